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

/** More than anybody reads; the file has them all. */
const MAX_SHOWN = 500;

/** What would have been sent, in memory and, one JSON object a line, in a file. */
export class Mailbox {
  readonly file: string;
  readonly #messages: Message[];
  #toRefuse = 0;

  /** @param keep goes on with the file that is there; otherwise it is begun anew */
  constructor(file: string, { keep }: { readonly keep: boolean }) {
    this.file = file;
    if (!keep) rmSync(file, { force: true });
    this.#messages = existsSync(file) ? readFileSync(file, 'utf8').split('\n').flatMap(messageOf) : [];
  }

  get newestFirst(): readonly Message[] {
    return this.#messages.toReversed().slice(0, MAX_SHOWN);
  }

  /** The next ones are refused, as by a mail service that has a bad day. */
  refuse(times: number): void {
    this.#toRefuse = times;
  }

  /** False where it is refused. */
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

/** A line that a killed process left half written is no message. */
function messageOf(line: string): Message[] {
  try {
    return [Message.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}
