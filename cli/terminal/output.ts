import { styleText } from 'node:util';
import { EXIT, type Failure } from './failure.ts';
import { toJson, visible, visibleLines } from './visible.ts';
import { textLines, UNLIMITED } from './wrap.ts';

const DEFAULT_WIDTH = 80;
const MIN_WIDTH = 40;

/** A stream that a terminal may be at the end of. */
export type Screen = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

export interface Streams {
  readonly stdout: Screen;
  readonly stderr: Screen;
}

/** How an item of a list came out: one word in a colour. */
export interface Mark {
  readonly word: string;
  readonly style: Parameters<typeof styleText>[0];
}

/** A line of text, or one that begins with a mark. */
export type Line = string | { readonly mark: Mark; readonly text: string };

/**
 * The columns of a terminal. One that does not know its size and says 0 (`script`, a build server) is as wide as the narrowest
 * one that people use.
 */
export const terminalWidth = ({ columns }: Pick<Screen, 'columns'>): number =>
  Math.max(MIN_WIDTH, columns || DEFAULT_WIDTH);

/** The columns of a line. A pipe or a file has no limit: what reads it is a program. */
export const widthOf = (screen: Screen): number => (screen.isTTY ? terminalWidth(screen) : UNLIMITED);

/**
 * Where a command answers. For programs it writes one JSON document to stdout, and nothing else there; for people text. Notes
 * go to stderr. Everything passes through here, so that no character is written that a terminal would execute.
 */
export class Output {
  readonly json: boolean;
  readonly stdout: Screen;
  readonly stderr: Screen;
  /** Null until it is known. */
  readonly #stage: string | null;
  #hasNamedStage = false;

  constructor({ stdout, stderr }: Streams, json: boolean, stage: string | null = null) {
    this.json = json;
    this.stdout = stdout;
    this.stderr = stderr;
    this.#stage = stage;
  }

  /** Columns that a line of the answer may take. */
  get width(): number {
    return widthOf(this.stdout);
  }

  /** The answer: `value` for programs, the lines for people. Both name the stage. */
  answer(value: object, lines: () => readonly Line[]): void {
    if (this.json) this.stdout.write(`${toJson({ ...this.#named(), ...value }, 2)}\n`);
    else this.print(lines());
  }

  /** A part of the answer for people, which is written before the rest is known. */
  print(lines: readonly Line[]): void {
    const heading = this.#hasNamedStage || this.#stage === null ? [] : [`stage ${this.#stage}`];
    this.#hasNamedStage = true;
    const text = [...heading, ...lines].map((line) => this.#shown(line));
    this.stdout.write(text.map((line) => `${line}\n`).join(''));
  }

  /** Something to know that is no part of the answer. */
  note(text: string): void {
    this.#toStderr(textLines(text, widthOf(this.stderr)));
  }

  /** A command line to be copied: it is not broken. */
  noteCommand(command: string): void {
    this.#toStderr([`  ${visible(command)}`]);
  }

  /** In place of an answer. Programs find it on stdout too: it is the one document. */
  failure({ code, message, exitCode, cause }: Failure): void {
    if (this.json) {
      this.stdout.write(`${toJson({ ...this.#named(), error: { code, detail: message } }, 2)}\n`);
    } else {
      const where = this.#stage === null ? '' : `(${this.#stage}) `;
      const [first = '', ...rest] = textLines(
        `error ${where}${message.replaceAll('\n', ' ')}`,
        widthOf(this.stderr),
      );
      this.#toStderr([this.#red('error') + first.slice('error'.length), ...rest]);
      if (exitCode === EXIT.usage) this.note('Add --help for usage and examples.');
    }
    // A defect is shown as it is: its stack is what a developer needs.
    if (cause instanceof Error) this.#toStderr([visibleLines(cause.stack ?? cause.message)]);
  }

  #named(): { readonly stage?: string } {
    return this.#stage === null ? {} : { stage: this.#stage };
  }

  #shown(line: Line): string {
    if (typeof line === 'string') return visible(line);
    const { word, style } = line.mark;
    return styleText(style, word, { stream: this.stdout }) + visible(line.text);
  }

  #toStderr(lines: readonly string[]): void {
    this.stderr.write(lines.map((line) => `${line}\n`).join(''));
  }

  #red(text: string): string {
    return styleText('red', text, { stream: this.stderr });
  }
}
