import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Counted, Message } from './results.ts';

const CHILD = join(import.meta.dirname, 'child.ts');

/**
 * Counts in a separate process what each call costs in DynamoDB, and how the cost grows.
 * @throws Error when the process ends without a result; the process has printed the reason
 */
export async function count(full: boolean, progress: (what: string) => void): Promise<Counted> {
  progress('counting: starting an engine');
  const child = fork(CHILD, full ? ['--full'] : [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let counted: Counted | undefined;
  child.on('message', (received) => {
    const message = Message.parse(received);
    if ('step' in message) progress(message.step);
    else counted = message.counted;
  });
  const [code] = await once(child, 'exit');
  if (counted === undefined || code !== 0)
    throw new Error(`the counting process ended with exit code ${code}`);
  return counted;
}
