import { watch } from 'chokidar';

/** Changes within this time count as one: an editor that saves, or a checkout of many files. */
const QUIET_MS = 150;
/** The source files of functions, without an editor's own files. */
const CODE = /\.(?:[cm]?[jt]s|json)$/;

/** Calls `run` after a quiet moment. One run at a time: changes during a run lead to one more run. */
export function debounce(run: () => Promise<void>, quietMs = QUIET_MS): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isRunning = false;
  let isDue = false;
  const start = async () => {
    if (isRunning) {
      isDue = true;
      return;
    }
    isRunning = true;
    await run().finally(() => {
      isRunning = false;
    });
    if (isDue) touch();
    isDue = false;
  };
  const touch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void start(), quietMs);
    timer.unref();
  };
  return touch;
}

export interface WatchOptions {
  readonly onChange: (file: string) => void;
  readonly onError: (error: Error) => void;
}

export interface CodeWatch {
  /** Resolves once every later change is detected. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Calls back for each change of a source file in the folders, recursively, until it is stopped. (Node's own
 * recursive watch loses a file on Linux after an editor replaced it.)
 */
export function watchCode(folders: readonly string[], { onChange, onError }: WatchOptions): CodeWatch {
  const watcher = watch([...folders], { ignoreInitial: true, atomic: true });
  watcher.on('all', (_, file) => {
    if (CODE.test(file)) onChange(file);
  });
  watcher.on('error', onError);
  const ready = new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
  return { ready, stop: () => watcher.close() };
}
