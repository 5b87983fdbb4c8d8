/**
 * Runs `work` for each item, `limit` items at once, in the order of the list. When `isOver` turns true no further item is
 * started; the items under way still end.
 */
export async function eachAtOnce<T>(
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
