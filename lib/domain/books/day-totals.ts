/* Money by day: what moved at Stripe, and beside it what ledgers have of what was paid that day. US cents. */

export interface DayTotals {
  /** As Stripe's balance transactions say it; what left us is below zero. */
  readonly charges: number;
  readonly refunds: number;
  readonly disputes: number;
  readonly other: number;
  readonly fees: number;
  /** Of the charges of that day, those that the ledgers know. */
  readonly ledger: number;
}

export type Days = Readonly<Record<string, DayTotals>>;

/** A day on which nothing moved. */
export const NO_MOVEMENTS = { charges: 0, refunds: 0, disputes: 0, other: 0, fees: 0 } as const;
const NO_TOTALS: DayTotals = { ...NO_MOVEMENTS, ledger: 0 };

/** Adds to some days; days that were not there begin at 0. */
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

/** Days whose charges are not what the ledgers have, the oldest first. */
export const differingDays = (days: Days): readonly { readonly day: string; readonly cents: number }[] =>
  Object.entries(days)
    .map(([day, { charges, ledger }]) => ({ day, cents: charges - ledger }))
    .filter(({ cents }) => cents !== 0)
    .toSorted((a, b) => (a.day < b.day ? -1 : 1));
