import type { FixAttempt } from '../../domain/fix-attempt.ts';
import { type MergeCost, mergeCost } from '../../domain/payments/exposure.ts';
import { monthOf } from '../../domain/payments/spending.ts';
import { decodeHead } from '../../store/heads.ts';
import { type Key, keys } from '../../store/keys.ts';
import { decodeCardTries } from '../../store/payments/card-tries.ts';
import { decodeSpending, spendingKey } from '../../store/payments/spending.ts';
import { readable, UnreadableItem } from '../../store/record.ts';
import type { Item } from '../../store/table.ts';

/** Keys of the items that `estimateMerge` takes, in its order. */
export const estimateKeys = (customerId: string, at: Date): readonly [Key, Key, Key] => [
  keys.head(customerId),
  keys.cardTries(customerId),
  spendingKey(customerId, at),
];

/**
 * What merging a fix costs, from items that were read with it. Null if the fix is billed. Also null if an
 * item is missing or unreadable, because recording a fix must not depend on an estimate.
 */
export function estimateMerge(
  [stored, tries, spent]: readonly (Item | undefined)[],
  fix: FixAttempt,
  at: Date,
): MergeCost | null {
  if (stored === undefined) return null;
  const basis = readable(
    (item) => ({
      head: decodeHead(item),
      cards: decodeCardTries(tries).cards,
      spending: decodeSpending(spent, monthOf(at)),
      at,
    }),
    stored,
  );
  return basis instanceof UnreadableItem ? null : mergeCost(basis, fix);
}
