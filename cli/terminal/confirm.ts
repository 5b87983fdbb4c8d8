import { createInterface } from 'node:readline/promises';
import { EXIT, Failure } from './failure.ts';
import { visible } from './visible.ts';

export interface PromptTerminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Called for Ctrl-C at the question. During a question the terminal sends no signal. */
  readonly interrupt: () => void;
  /** The stage that the question is about. */
  readonly stage: string;
}

/**
 * Asks before an action that cannot be undone.
 * @throws Failure if the answer is not yes, or if there is no terminal to ask on
 */
export async function confirm(
  { stdin, stderr, interrupt, stage }: PromptTerminal,
  question: string,
): Promise<void> {
  if (!stdin.isTTY || !stderr.isTTY) {
    const detail = `${question} There is no terminal to ask on. Add --yes to confirm.`;
    throw new Failure('confirmation_needed', detail, EXIT.usage);
  }
  const terminal = createInterface({ input: stdin, output: stderr });
  terminal.on('SIGINT', () => {
    stderr.write('\n');
    interrupt();
  });
  // Ctrl-D closes the terminal without an answer. Without this the question would never settle.
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    const prompt = `On ${stage}: ${visible(question)} [y/N] `;
    const answer = await Promise.race([terminal.question(prompt), closed]);
    if (/^y(?:es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new Failure('not_confirmed', 'Cancelled. Nothing was changed.', EXIT.refused);
}
