import { styleText } from 'node:util';
import { EXIT, type Failure } from './failure.ts';
import { toJson, visible, visibleLines } from './visible.ts';
import { textLines, UNLIMITED } from './wrap.ts';

const DEFAULT_WIDTH = 80;
const MIN_WIDTH = 40;

/** An output stream that may be a terminal. */
export type Screen = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

export interface Streams {
  readonly stdout: Screen;
  readonly stderr: Screen;
}

/** The result of a list item: one coloured word. */
export interface Mark {
  readonly word: string;
  readonly style: Parameters<typeof styleText>[0];
}

/** A line of text, or one that begins with a mark. */
export type Line = string | { readonly mark: Mark; readonly text: string };

/**
 * The columns of a terminal. Some terminals (`script`, a build server) report 0; then the default width is
 * used.
 */
export const terminalWidth = ({ columns }: Pick<Screen, 'columns'>): number =>
  Math.max(MIN_WIDTH, columns || DEFAULT_WIDTH);

/** The columns of a line. A pipe or a file has no limit, because a program reads it. */
export const widthOf = (screen: Screen): number => (screen.isTTY ? terminalWidth(screen) : UNLIMITED);

/**
 * The output of a command. With --json it writes exactly one JSON document to stdout, otherwise text for
 * people. Notes go to stderr. All output passes through here, which escapes every character that a terminal
 * would execute.
 */
export class Output {
  readonly json: boolean;
  readonly stdout: Screen;
  readonly stderr: Screen;
  /** Null until the stage is known. */
  readonly #stage: string | null;
  #hasNamedStage = false;

  constructor({ stdout, stderr }: Streams, json: boolean, stage: string | null = null) {
    this.json = json;
    this.stdout = stdout;
    this.stderr = stderr;
    this.#stage = stage;
  }

  /** The maximum columns of a line of the answer. */
  get width(): number {
    return widthOf(this.stdout);
  }

  /** Writes the answer: `value` as JSON for programs, or the lines for people. Both name the stage. */
  answer(value: object, lines: () => readonly Line[]): void {
    if (this.json) this.stdout.write(`${toJson({ ...this.#named(), ...value }, 2)}\n`);
    else this.print(lines());
  }

  /** Writes a part of the answer for people before the rest is known. */
  print(lines: readonly Line[]): void {
    const heading = this.#hasNamedStage || this.#stage === null ? [] : [`stage ${this.#stage}`];
    this.#hasNamedStage = true;
    const text = [...heading, ...lines].map((line) => this.#shown(line));
    this.stdout.write(text.map((line) => `${line}\n`).join(''));
  }

  /** Writes information that is not part of the answer. */
  note(text: string): void {
    this.#toStderr(textLines(text, widthOf(this.stderr)));
  }

  /** Writes a command line without wrapping it, so that it can be copied. */
  noteCommand(command: string): void {
    this.#toStderr([`  ${visible(command)}`]);
  }

  /** Writes a failure instead of an answer. With --json it is the one document on stdout. */
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
    // A defect is printed with its stack, for developers.
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
