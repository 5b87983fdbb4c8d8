import * as z from 'zod/mini';
import type { FixCharge } from '../../domain/fix-attempt.ts';
import {
  changeBetween,
  heldBy,
  type LimitPercent,
  monthOf,
  noSpending,
  type Spending,
  type SpendingChange,
} from '../../domain/payments/spending.ts';
import { CONDITIONS } from '../conditions.ts';
import { type Key, keys, spendingMonthOf } from '../keys.ts';
import { count, integer, orNull, record } from '../record.ts';
import { type Item, readOne, readTogether, type Table, type Write } from '../table.ts';
import { update } from '../write.ts';
import { decodeCardTries, type StoredTries } from './card-tries.ts';

/*
 * The fix charges of a month, one item for each customer and month. Its sums change in the transactions that
 * announce a charge and write its outcome, so they change exactly once each.
 */

/** The sums may be negative only by a fault, which the audit finds. Such an item must not stop billing. */
const sums = record<Omit<Spending, 'month'>>(
  z.object({
    limitCents: orNull(count),
    committedCents: z._default(integer, 0),
    spentCents: z._default(integer, 0),
    awaitingCents: z._default(integer, 0),
    noticedPercent: z._default(count, 0),
  }),
);

/** The month of a stored item. */
export const decodeMonth = (item: Item): Spending => ({
  month: spendingMonthOf(String(item['sk'])),
  ...sums.decode(item),
});

/** The item is undefined if nothing was charged in the month. */
export const decodeSpending = (item: Item | undefined, month: string): Spending =>
  item === undefined ? noSpending(month) : decodeMonth(item);

/** Key of the spending in the month of a moment. */
export const spendingKey = (customerId: string, at: Date): Key => keys.spending(customerId, monthOf(at));

/** The spending of a month. */
export const readSpending = async (table: Table, customerId: string, month: string): Promise<Spending> =>
  (await readOne(table, keys.spending(customerId, month), decodeMonth)) ?? noSpending(month);

/** The spending of a month and the tries of the customer's cards, in one call. */
export async function readSpendingAndTries(
  table: Table,
  customerId: string,
  month: string,
): Promise<{ readonly spending: Spending; readonly tries: StoredTries }> {
  const wanted = [keys.spending(customerId, month), keys.cardTries(customerId)];
  const [spending, tries] = await readTogether(table, wanted);
  return { spending: decodeSpending(spending, month), tries: decodeCardTries(tries) };
}

/**
 * Reserves the amount of an announced charge, if the month's sum is as it was read. Only a limit depends on
 * that, so without one the amount is always added.
 * @param reached the share of the limit about which the same transaction writes a letter
 */
export function reserveSpending(
  customerId: string,
  { month, committedCents }: Spending,
  { amountCents, limitCents }: { readonly amountCents: number; readonly limitCents: number | null },
  reached: LimitPercent | null,
): Write {
  const isNew = reached !== null;
  return update(
    keys.spending(customerId, month),
    {
      set: sums.encodePart({ limitCents, ...(isNew && { noticedPercent: reached }) }),
      add: { committed_cents: amountCents },
    },
    [
      ...(limitCents === null ? [] : [CONDITIONS.SPENDING_UNMOVED]),
      ...(isNew ? [CONDITIONS.SHARE_IS_NEW] : []),
    ],
    { ...(limitCents !== null && { committed: committedCents }), ...(isNew && { percent: reached }) },
  );
}

/**
 * Adds to the sums of a month. Has no condition: money that was paid always counts, also above the limit. The
 * write of the charge beside it has its own condition, so the amount is added once.
 */
export function moveSpending(customerId: string, month: string | null, change: SpendingChange): Write[] {
  if (month === null || Object.values(change).every((cents) => cents === 0)) return [];
  return [update(keys.spending(customerId, month), { add: stored(change) })];
}

/** Only the sums that change. */
const stored = ({ committedCents, spentCents, awaitingCents }: SpendingChange): Record<string, number> =>
  Object.fromEntries(
    Object.entries({
      committed_cents: committedCents,
      spent_cents: spentCents,
      awaiting_cents: awaitingCents,
    }).filter(([, cents]) => cents !== 0),
  );

/** Adjusts the month when an announced charge changes its state without being paid. */
export const followCharge = (customerId: string, before: FixCharge, after: FixCharge): Write[] =>
  moveSpending(customerId, before.spendingMonth, changeBetween(heldBy(before), heldBy(after)));
