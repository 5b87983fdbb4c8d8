import { addDays, type Days, type DayTotals } from '../../domain/books/day-totals.ts';
import type { ReconcileReport } from '../../domain/reconciliation.ts';
import { lookUp } from '../../look-up.ts';
import { putDay, readDaysBefore } from '../../store/audit/day-totals.ts';
import type { RawMovement } from '../../stripe/port.ts';
import { asOf, DAY_MS, endOf, type Work } from './work.ts';

/**
 * Days that are recounted each night, because refunds, disputes and late payments change them. Older days are
 * stored sums.
 */
const RECOUNTED_DAYS = 35;

/** The first day that is recounted. */
export const firstDay = (at: Date): string => dayOf(new Date(at.getTime() - (RECOUNTED_DAYS - 1) * DAY_MS));

const dayOf = (at: Date): string => at.toISOString().slice(0, 10);

/** A customer's days that are recounted. */
export function sinceFirstDay<T>(work: Work, days: Readonly<Record<string, T>>): Record<string, T> {
  const first = firstDay(asOf(work));
  return Object.fromEntries(Object.entries(days).filter(([day]) => day >= first));
}

/**
 * Sums the movements on our Stripe account by day, and stores the sums. The charges that ledgers account for
 * were added up by the check of the customers.
 * @throws StripeFault, BillingError ledger_unavailable
 */
export async function totalDays(work: Work): Promise<void> {
  const { deps, lease, beforeAsking } = work;
  const from = new Date(`${firstDay(asOf(work))}T00:00:00Z`);
  const stripe = await deps.stripe();
  while (!lease.mustStop && !lease.run.position.movements.isDone) {
    await beforeAsking(1);
    const { after } = lease.run.position.movements;
    const { items, next } = await stripe.rawMovements({ from, until: endOf(work), after });
    const days = addDays(lease.run.report.days, sumsOf(items));
    const end = next === null ? { daysBefore: await keepDays(work, dayOf(from), days) } : {};
    await lease.advance(({ report, position }) => ({
      report: { ...report, days, ...end },
      position: { ...position, movements: { after: next, isDone: next === null } },
    }));
  }
}

/** Stores the sums of these days, and returns the stored sums of all earlier days. */
async function keepDays(
  { deps, meter }: Work,
  first: string,
  days: Days,
): Promise<ReconcileReport['daysBefore']> {
  for (const [day, { ledger: _, ...sums }] of Object.entries(days)) await putDay(deps.table, day, sums);
  return readDaysBefore(deps.table, first, meter);
}

/** The column in which each category of movement counts. */
const COLUMNS: Readonly<Record<string, 'charges' | 'refunds' | 'disputes'>> = {
  charge: 'charges',
  charge_failure: 'charges',
  refund: 'refunds',
  refund_failure: 'refunds',
  dispute: 'disputes',
  dispute_reversal: 'disputes',
};

function sumsOf(movements: readonly RawMovement[]): Record<string, Partial<DayTotals>> {
  let days: ReturnType<typeof addDays> = {};
  for (const { created, category, cents, feeCents } of movements) {
    const column = lookUp(COLUMNS, category) ?? 'other';
    // A payout only moves money from Stripe to our bank.
    if (category.startsWith('payout')) continue;
    days = addDays(days, { [dayOf(new Date(created * 1000))]: { [column]: cents, fees: feeCents } });
  }
  return days;
}
