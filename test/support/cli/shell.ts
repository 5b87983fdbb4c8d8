import { PassThrough, Writable } from 'node:stream';
import { runCommandLine } from '../../../cli/command-line.ts';
import { openStage } from '../../../cli/stage/open-stage.ts';
import type { Shell } from '../../../cli/stage/session.ts';

/** What a command line wrote, as a pipe or a terminal received it. */
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

  override _write(chunk: Buffer, _: string, taken: (error?: Error) => void): void {
    this.text += chunk.toString();
    this.#onText(this.text);
    taken();
  }
}

export interface ShellOptions {
  /** Of a terminal; 0, or nothing, for pipes. */
  readonly columns?: number;
  readonly env?: NodeJS.ProcessEnv;
  /** What the operator answers at a terminal. */
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

/** Runs a command line in this process, between streams of its own. */
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
