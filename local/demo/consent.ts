import { createInterface } from 'node:readline/promises';
import { describeOwner, type StackOwner } from '../../cli/stage/running.ts';

export interface Consent {
  readonly url: string;
  /** Null when the stack left no note. */
  readonly owner: StackOwner | null;
  /** Given on the command line. */
  readonly yes: boolean;
  /** Null where there is no terminal to ask on. */
  readonly ask: ((question: string) => Promise<string>) | null;
  readonly say: (line: string) => void;
}

/** Whether the demo may use a stack that it did not start, and move the clock of its Stripe double. Says whose stack it is. */
export async function consentTo({ url, owner, yes, ask, say }: Consent): Promise<boolean> {
  const whose = owner === null ? 'it left no note of who started it' : describeOwner(owner);
  say(`A stack answers at ${url}: ${whose}.`);
  if (yes) return true;
  if (ask === null) {
    say('The demo would move its clock by a month: it uses this stack only with --yes.');
    return false;
  }
  return /^y(?:es)?$/i.test((await ask('Use it, and move its clock by a month? [y/N] ')).trim());
}

/** Null where there is no terminal. */
export const askOnTerminal =
  process.stdin.isTTY && process.stdout.isTTY
    ? async (question: string): Promise<string> => {
        const terminal = createInterface({ input: process.stdin, output: process.stdout });
        // Ctrl-D closes without an answer.
        const left = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
        try {
          return await Promise.race([terminal.question(question), left]);
        } finally {
          terminal.close();
        }
      }
    : null;
