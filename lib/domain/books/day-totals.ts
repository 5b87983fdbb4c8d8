/* Money by day: movements at Stripe, and the charges of that day that the ledgers have. US cents. */

export interface DayTotals {
  /** From Stripe's balance transactions; outgoing money is negative. */
  readonly charges: number;
  readonly refunds: number;
  readonly disputes: number;
  readonly other: number;
  readonly fees: number;
  /** The charges of that day that the ledgers have. */
  readonly ledger: number;
}

export type Days = Readonly<Record<string, DayTotals>>;

/** A day without movements. */
export const NO_MOVEMENTS = { charges: 0, refunds: 0, disputes: 0, other: 0, fees: 0 } as const;
const NO_TOTALS: DayTotals = { ...NO_MOVEMENTS, ledger: 0 };

/** Adds totals to days. New days start at 0. */
export function addDays(days: Days, more: Readonly<Record<string, Partial<DayTotals>>>): Days {
  const next: Record<string, DayTotals> = { ...days };
  for (const [day, add] of Object.entries(more)) {
    const before = next[day] ?? NO_TOTALS;
    next[day] = {
      charges: before.charges + (add.charges ?? 0),
      refunds: before.refunds + (add.refunds ?? 0),
      disputes: before.disputes + (add.disputes ?? 0),
      other: before.other + (add.other ?? 0),
      fees: before.fees + (add.fees ?? 0),
      ledger: before.ledger + (add.ledger ?? 0),
    };
  }
  return next;
}

/** Days whose charges at Stripe differ from the ledgers, the oldest first. */
export const differingDays = (days: Days): readonly { readonly day: string; readonly cents: number }[] =>
  Object.entries(days)
    .map(([day, { charges, ledger }]) => ({ day, cents: charges - ledger }))
    .filter(({ cents }) => cents !== 0)
    .toSorted((a, b) => (a.day < b.day ? -1 : 1));
