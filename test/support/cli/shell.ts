import { PassThrough, Writable } from 'node:stream';
import { runCommandLine } from '../../../cli/command-line.ts';
import { openStage } from '../../../cli/stage/open-stage.ts';
import type { Shell } from '../../../cli/stage/session.ts';

/** Collects the output of a command line, as a pipe or as a terminal. */
export class Written extends Writable {
  readonly isTTY: boolean;
  readonly columns: number;
  text = '';
  readonly #onText: (text: string) => void;

  constructor(columns = 0, onText: (text: string) => void = () => {}) {
    super();
    this.isTTY = columns > 0;
    this.columns = columns;
    this.#onText = onText;
  }

  override _write(chunk: Buffer, _: string, done: (error?: Error) => void): void {
    this.text += chunk.toString();
    this.#onText(this.text);
    done();
  }
}

export interface ShellOptions {
  /** The width of the terminal. 0 or undefined for pipes. */
  readonly columns?: number;
  readonly env?: NodeJS.ProcessEnv;
  /** The operator's input at the terminal. */
  readonly typed?: string;
  readonly stdout?: Writable;
  readonly interrupt?: AbortController;
  readonly openStage?: Shell['openStage'];
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process with its own streams. */
export async function runInShell(args: readonly string[], options: ShellOptions = {}): Promise<Ended> {
  const { columns = 0, env = {}, typed = '', interrupt = new AbortController() } = options;
  const stdin = Object.assign(new PassThrough(), { isTTY: columns > 0 });
  stdin.write(typed);
  const written = new Written(columns);
  const stderr = new Written(columns);
  const shell: Shell = {
    stdin,
    stdout: options.stdout ?? written,
    stderr,
    env,
    interrupt: { signal: interrupt.signal, request: () => interrupt.abort() },
    openStage: options.openStage ?? openStage,
  };
  const { exitCode } = await runCommandLine(args, shell);
  return { code: exitCode, stdout: written.text, stderr: stderr.text };
}
