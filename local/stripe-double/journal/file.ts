import {
  appendFileSync,
  closeSync,
  constants,
  fchmodSync,
  ftruncateSync,
  openSync,
  readFileSync,
} from 'node:fs';
import { STRIPE_API_VERSION } from '../version.ts';
import { type Entry, entrySchema, JOURNAL_VERSION, type Journal } from './entry.ts';
import { JournalError } from './error.ts';

/** Webhook secrets derive from the seeds in this file. */
const OWNER_ONLY = 0o600;
const NEWLINE = 0x0a;

export interface Line {
  readonly number: number;
  readonly entry: Entry;
}

/**
 * A journal as lines of JSON. When `append` returns, the operating system has the line, so it survives any
 * end of the process. A power cut may lose the last lines.
 */
export class JournalFile implements Journal {
  readonly path: string;
  #fd: number | null;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /**
   * Opens the journal, or starts one.
   * @throws JournalError if it cannot be opened, or this stand-in did not write it.
   */
  static open(path: string): { journal: JournalFile; lines: readonly Line[] } {
    const journal = new JournalFile(path, opened(path));
    try {
      const lines = journal.#read();
      if (lines.length === 0) {
        journal.append({ kind: 'begin', journal: JOURNAL_VERSION, api: STRIPE_API_VERSION });
      }
      return { journal, lines };
    } catch (error) {
      journal.close();
      throw error;
    }
  }

  append(entry: Entry): void {
    if (this.#fd === null) throw new Error(`${this.path} is closed`);
    appendFileSync(this.#fd, `${JSON.stringify(entry)}\n`);
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #read(): Line[] {
    if (this.#fd === null) return [];
    const bytes = readFileSync(this.#fd);
    const whole = bytes.lastIndexOf(NEWLINE) + 1;
    // A truncated line belongs to a call that was never answered: it did not happen.
    if (whole < bytes.length) ftruncateSync(this.#fd, whole);
    const lines: Line[] = [];
    for (let start = 0; start < whole; start = bytes.indexOf(NEWLINE, start) + 1) {
      const text = bytes.toString('utf8', start, bytes.indexOf(NEWLINE, start));
      const line = { number: lines.length + 1, entry: this.#parse(text, lines.length + 1) };
      this.#assertInPlace(line);
      lines.push(line);
    }
    return lines;
  }

  #parse(text: string, number: number): Entry {
    try {
      return entrySchema.parse(JSON.parse(text));
    } catch {
      throw unusable(this.path, number, 'is not readable');
    }
  }

  #assertInPlace({ number, entry }: Line): void {
    if ((number === 1) !== (entry.kind === 'begin')) throw unusable(this.path, number, 'is out of place');
    if (entry.kind !== 'begin') return;
    if (entry.journal === JOURNAL_VERSION && entry.api === STRIPE_API_VERSION) return;
    throw unusable(this.path, number, 'is of another version');
  }
}

/** One line with the remedy: starting with half of the payments would be worse than not starting. */
export const unusable = (path: string, line: number, what: string): JournalError =>
  new JournalError(
    `The Stripe double's journal cannot be replayed: line ${line} of ${path} ${what}. ` +
      'To start without it, move the file away. A ledger kept with it then refers to missing payments.',
  );

function opened(path: string): number {
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, OWNER_ONLY);
    fchmodSync(fd, OWNER_ONLY);
    return fd;
  } catch (error) {
    throw new JournalError(
      `The Stripe double's journal ${path} cannot be opened: ` +
        `${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}
