import type { Session } from '../stage/session.ts';
import { showCount } from './counter.ts';

/**
 * Yields the items one by one and displays how many were yielded. Throws if the operator interrupts.
 * @param noun the items, in the plural
 * @param total null if not known in advance
 */
export async function* withProgress<T>(
  { out, signal }: Session,
  noun: string,
  items: AsyncIterable<T> | Iterable<T>,
  total: number | null = null,
): AsyncGenerator<T> {
  const progress = showCount(out.stderr, noun, total);
  try {
    for await (const item of items) {
      signal.throwIfAborted();
      yield item;
      progress.add(1);
    }
  } finally {
    progress.end();
  }
}
