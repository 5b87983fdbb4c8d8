import { watch } from 'chokidar';

/** An editor that saves, or a checkout that changes many files, is one change. */
const QUIET_MS = 150;
/** What functions are built from; an editor's own files beside it are not. */
const CODE = /\.(?:[cm]?[jt]s|json)$/;

/**
 * Calls `run` once things have been quiet for a moment. One run at a time: changes during a run lead to one more run.
 */
export function afterQuiet(run: () => Promise<void>, quietMs = QUIET_MS): () => void {
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
  /** Resolves when every change from now on is seen. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Calls back for each change of code in the folders, and in folders within, until it is stopped. (Node's own recursive watch
 * loses a file on Linux once an editor has replaced it.)
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
