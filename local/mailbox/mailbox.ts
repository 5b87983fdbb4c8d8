import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import * as z from 'zod/mini';

/** A message that the service sent. */
const Message = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  from: z.string(),
  to: z.string(),
  subject: z.string(),
  text: z.string(),
  html: z.string(),
  kind: z.string(),
  /** Headers beside these, such as List-Unsubscribe. */
  headers: z._default(z.record(z.string(), z.string()), {}),
});
export type Message = z.output<typeof Message>;

/** The maximum number of messages in one answer. The file has all of them. */
const MAX_LISTED = 500;

/** Stores the captured messages in memory and in a file with one JSON object per line. */
export class Mailbox {
  readonly file: string;
  readonly #messages: Message[];
  #refusalsLeft = 0;

  /** @param keep keeps the messages of an existing file; otherwise the mailbox starts empty */
  constructor(file: string, { keep }: { readonly keep: boolean }) {
    this.file = file;
    if (!keep) rmSync(file, { force: true });
    this.#messages = existsSync(file) ? readFileSync(file, 'utf8').split('\n').flatMap(messageOf) : [];
  }

  get newestFirst(): readonly Message[] {
    return this.#messages.toReversed().slice(0, MAX_LISTED);
  }

  /** The messages that contain every word of the query, in any field and in any case, newest first. */
  search(query: string): readonly Message[] {
    const words = query
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    return this.#messages.filter((message) => words.every((word) => contains(message, word))).reverse();
  }

  find(id: string): Message | undefined {
    return this.#messages.find((message) => message.id === id);
  }

  /** Refuses the next messages, like a mail service during an outage. */
  refuse(times: number): void {
    this.#refusalsLeft = times;
  }

  /** Stores a message. Returns false if it is refused. */
  accept(message: Message): boolean {
    if (this.#refusalsLeft > 0) {
      this.#refusalsLeft -= 1;
      return false;
    }
    appendFileSync(this.file, `${JSON.stringify(message)}\n`);
    this.#messages.push(message);
    return true;
  }
}

const contains = ({ from, to, subject, text, kind }: Message, word: string): boolean =>
  [from, to, subject, text, kind].some((field) => field.toLowerCase().includes(word));

/** Skips an incomplete line, which a killed process may leave. */
function messageOf(line: string): Message[] {
  try {
    return [Message.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}
