import { createInterface } from 'node:readline/promises';
import { EXIT, Failure } from './failure.ts';
import { visible } from './visible.ts';

export interface Asking {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Ctrl-C at the question, which the terminal does not send as a signal then. */
  readonly interrupt: () => void;
  /** The stage that it is about. */
  readonly stage: string;
}

/**
 * Asks before something that cannot be undone.
 * @throws Failure when the answer is not yes, or when there is no terminal to ask on
 */
export async function confirm({ stdin, stderr, interrupt, stage }: Asking, question: string): Promise<void> {
  if (!stdin.isTTY || !stderr.isTTY) {
    const detail = `${question} There is no terminal to ask on: add --yes if it is meant.`;
    throw new Failure('confirmation_needed', detail, EXIT.usage);
  }
  const terminal = createInterface({ input: stdin, output: stderr });
  terminal.on('SIGINT', () => {
    stderr.write('\n');
    interrupt();
  });
  // Ctrl-D leaves without an answer, and the question would never settle.
  const left = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([terminal.question(`On ${stage}: ${visible(question)} [y/N] `), left]);
    if (/^y(?:es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new Failure('not_confirmed', 'Cancelled. Nothing was changed.', EXIT.refused);
}
