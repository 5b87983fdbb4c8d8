import { styleText } from 'node:util';
import wrapAnsi from 'wrap-ansi';
import { EXIT, type Failure } from './failure.ts';

const DEFAULT_WIDTH = 80;
const MIN_WIDTH = 40;

export interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/**
 * What is no terminal, and a terminal that does not know its size and says 0 (`script`, a build server), is as wide as the
 * narrowest one that people use.
 */
export const widthOf = ({ columns }: { readonly columns?: number }): number =>
  Math.max(MIN_WIDTH, columns || DEFAULT_WIDTH);

/**
 * Where a command answers. For programs it writes one JSON document to stdout, and nothing else there; for people text.
 * What is said by the way goes to stderr.
 */
export class Output {
  readonly json: boolean;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;

  constructor({ stdout, stderr }: Streams, json: boolean) {
    this.json = json;
    this.stdout = stdout;
    this.stderr = stderr;
  }

  /** Columns that a table may take. */
  get width(): number {
    return widthOf(this.stdout);
  }

  /** The answer: `value` for programs, the lines for people. */
  answer(value: object, lines: () => readonly string[]): void {
    this.stdout.write(this.json ? `${JSON.stringify(value, null, 2)}\n` : `${lines().join('\n')}\n`);
  }

  /** Something to know that is no part of the answer. */
  note(text: string): void {
    this.stderr.write(`${this.#wrapped(text)}\n`);
  }

  /** In place of an answer. Programs find it on stdout too: it is the one document. */
  failure({ code, message, exitCode, cause }: Failure): void {
    if (this.json) this.stdout.write(`${JSON.stringify({ error: { code, detail: message } }, null, 2)}\n`);
    else this.note(`${this.#red('error')} ${message}`);
    if (!this.json && exitCode === EXIT.usage) this.note('Add --help for usage and examples.');
    // A defect is shown as it is: whoever mends it wants the stack.
    if (cause instanceof Error) this.stderr.write(`${cause.stack ?? cause.message}\n`);
  }

  #wrapped(text: string): string {
    return wrapAnsi(text, widthOf(this.stderr));
  }

  #red(text: string): string {
    return styleText('red', text, { stream: this.stderr });
  }
}
