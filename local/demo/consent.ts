import { createInterface } from 'node:readline/promises';
import { describeOwner, type StackOwner } from '../../cli/stage/running.ts';

export interface Consent {
  readonly url: string;
  /** Null if the stack has no state file. */
  readonly owner: StackOwner | null;
  /** The --yes flag. */
  readonly yes: boolean;
  /** Null without a terminal to ask on. */
  readonly ask: ((question: string) => Promise<string>) | null;
  readonly print: (line: string) => void;
}

/**
 * Prints who started a running stack. Returns whether the demo may use it and move the clock of its Stripe
 * double.
 */
export async function consentTo({ url, owner, yes, ask, print }: Consent): Promise<boolean> {
  const ownerText = owner === null ? 'it is not known who started it' : describeOwner(owner);
  print(`A stack answers at ${url}: ${ownerText}.`);
  if (yes) return true;
  if (ask === null) {
    print('The demo moves its clock by a month, so it uses this stack only with --yes.');
    return false;
  }
  return /^y(?:es)?$/i.test((await ask('Use it, and move its clock by a month? [y/N] ')).trim());
}

/** Null without a terminal. */
export const askOnTerminal =
  process.stdin.isTTY && process.stdout.isTTY
    ? async (question: string): Promise<string> => {
        const terminal = createInterface({ input: process.stdin, output: process.stdout });
        // Ctrl-D closes the terminal without an answer.
        const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
        try {
          return await Promise.race([terminal.question(question), closed]);
        } finally {
          terminal.close();
        }
      }
    : null;
