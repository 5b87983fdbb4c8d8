import type { Session } from '../stage/session.ts';
import { showCount } from './counter.ts';

/**
 * One after the other, until the operator wants to stop; how far that has come is shown meanwhile.
 * @param what the things, in the plural
 * @param total null where nobody knows beforehand
 */
export async function* shown<T>(
  { out, signal }: Session,
  what: string,
  all: AsyncIterable<T> | Iterable<T>,
  total: number | null = null,
): AsyncGenerator<T> {
  const progress = showCount(out.stderr, what, total);
  try {
    for await (const one of all) {
      signal.throwIfAborted();
      yield one;
      progress.add(1);
    }
  } finally {
    progress.end();
  }
}
