import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import * as z from 'zod/mini';

/** A message as it was taken for sending. */
const Message = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  from: z.string(),
  to: z.string(),
  subject: z.string(),
  text: z.string(),
  html: z.string(),
  kind: z.string(),
});
export type Message = z.output<typeof Message>;

/** The most messages that one answer holds; the file has all of them. */
const MAX_LISTED = 500;

/** What would have been sent, in memory and, one JSON object a line, in a file. */
export class Mailbox {
  readonly file: string;
  readonly #messages: Message[];
  #toRefuse = 0;

  /** @param keep adds to an existing file; otherwise the mailbox starts empty */
  constructor(file: string, { keep }: { readonly keep: boolean }) {
    this.file = file;
    if (!keep) rmSync(file, { force: true });
    this.#messages = existsSync(file) ? readFileSync(file, 'utf8').split('\n').flatMap(messageOf) : [];
  }

  get newestFirst(): readonly Message[] {
    return this.#messages.toReversed().slice(0, MAX_LISTED);
  }

  /** The messages that contain every word of `words`, in any case and any field, the newest first. */
  search(words: string): readonly Message[] {
    const wanted = words
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    return this.#messages.filter((message) => wanted.every((word) => contains(message, word))).reverse();
  }

  find(id: string): Message | undefined {
    return this.#messages.find((message) => message.id === id);
  }

  /** Refuses the next messages, as a mail service in an outage does. */
  refuse(times: number): void {
    this.#toRefuse = times;
  }

  /** False if the message is refused. */
  take(message: Message): boolean {
    if (this.#toRefuse > 0) {
      this.#toRefuse -= 1;
      return false;
    }
    appendFileSync(this.file, `${JSON.stringify(message)}\n`);
    this.#messages.push(message);
    return true;
  }
}

const contains = ({ from, to, subject, text, kind }: Message, word: string): boolean =>
  [from, to, subject, text, kind].some((field) => field.toLowerCase().includes(word));

/** A line that a killed process left incomplete is skipped. */
function messageOf(line: string): Message[] {
  try {
    return [Message.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}
