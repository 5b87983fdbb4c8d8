import type { LedgerRecords, Violation } from '../ledger-records.ts';
import type { CountedSpending, Spending } from './spending.ts';

/**
 * Compares the stored sums of each month with the charges behind them. Reserved must be the open charges that
 * were announced in the month. Spent must be the paid ones, without returned second payments.
 */
export function verifySpending({ fixes, spending }: Pick<LedgerRecords, 'fixes' | 'spending'>): Violation[] {
  if (spending === undefined) return [];
  const counted = [...fixes.flatMap(({ counted: some = [] }) => some), ...spending.secondPayments];
  const months = new Set([...spending.months, ...counted].map(({ month }) => month));
  return [...months].sort().flatMap((month) => {
    const stored = spending.months.find((one) => one.month === month);
    return differences(
      month,
      stored,
      counted.filter((one) => one.month === month),
    );
  });
}

function differences(
  month: string,
  stored: Spending | undefined,
  counted: readonly CountedSpending[],
): Violation[] {
  const sum = (field: 'committedCents' | 'spentCents' | 'awaitingCents') =>
    counted.reduce((total, one) => total + one[field], 0);
  const { committedCents = 0, spentCents = 0, awaitingCents = 0 } = stored ?? {};
  const found = [
    ['reserves', committedCents - spentCents, sum('committedCents') - sum('spentCents')],
    ['counts as spent', spentCents, sum('spentCents')],
    ['counts as waiting for a cardholder', awaitingCents, sum('awaitingCents')],
  ] as const;
  return found
    .filter(([, here, expected]) => here !== expected)
    .map(([what, here, expected]) => ({
      invariant: null,
      seq: null,
      message: `the spending of ${month} ${what} ${here} cents, but its charges add up to ${expected}`,
    }));
}
