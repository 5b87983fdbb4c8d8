/**
 * Runs `work` for each item in list order, at most `limit` concurrently. Once `isOver` returns true, no
 * further item starts; items in flight still finish.
 */
export async function eachConcurrently<T>(
  items: readonly T[],
  limit: number,
  isOver: () => boolean,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) {
      if (isOver()) return;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
