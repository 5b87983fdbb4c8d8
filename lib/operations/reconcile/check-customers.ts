import { type CheckedCustomer, driftOf, foundTwice, withCustomers } from '../../domain/reconciliation.ts';
import { verifyLedger } from '../../domain/verify.ts';
import { scanCustomers } from '../../store/audit/audit.ts';
import { keys } from '../../store/keys.ts';
import { driftAtStripe } from './account-drift.ts';
import { auditCustomer } from './audit-customer.ts';
import { checkLargeCustomers, TooLarge, upTo } from './check-large.ts';
import { customerFinding, findMissingHead, readFailure } from './customer-findings.ts';
import { assertNoOutage, isUnanswered } from './outage.ts';
import type { Position } from './stored-run.ts';
import { sinceFirstDay } from './total-days.ts';
import { endOf, type Work } from './work.ts';

/**
 * Customers of one segment checked concurrently. With the number of segments, this limits the calls in flight
 * at Stripe.
 */
const AT_ONCE = 2;
/** More than this is not a problem of single customers. */
const MAX_POSTPONED = 500;

type CustomerCheck =
  | { readonly kind: 'large' }
  | { readonly kind: 'checked'; readonly found: CheckedCustomer }
  /** Nothing is stored of this customer any more. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'unanswered'; readonly error: unknown };

/**
 * Checks the invariants of every customer, including the money at Stripe, with the table's segments in
 * parallel. Customers who could not be read are retried once at the end.
 * @throws StripeFault, BillingError if Stripe or the ledger cannot be reached
 */
export async function checkCustomers(work: Work): Promise<void> {
  const { lease } = work;
  const ended = await Promise.allSettled(
    lease.run.position.segments.map(async (_, segment) => {
      try {
        await checkSegment(work, segment);
      } catch (error) {
        lease.stop();
        throw error;
      }
    }),
  );
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  await checkPostponed(work);
  await checkLargeCustomers(work);
}

async function checkSegment(work: Work, segment: number): Promise<void> {
  const { deps, lease, meter } = work;
  const { segments } = lease.run.position;
  let point = segments[segment];
  while (point !== undefined && !point.isDone && !lease.mustStop) {
    const scanPosition = { segment, of: segments.length, after: point.after };
    const { customerIds, next } = await scanCustomers(deps.table, scanPosition, meter);
    for (let from = 0; from < customerIds.length; from += AT_ONCE) {
      if (lease.mustStop) return;
      const batch = customerIds.slice(from, from + AT_ONCE);
      const checks = await Promise.all(batch.map((customerId) => checkCustomer(work, customerId)));
      const kept = {
        unread: batch.filter((_, i) => checks[i]?.kind === 'unanswered'),
        large: batch.filter((_, i) => checks[i]?.kind === 'large'),
      };
      await saveProgress(
        work,
        segment,
        { after: keys.head(batch.at(-1) ?? ''), isDone: false },
        checks,
        kept,
      );
    }
    point = { after: next, isDone: next === null };
    await saveProgress(work, segment, point, [], { unread: [], large: [] });
  }
}

function saveProgress(
  { lease }: Work,
  segment: number,
  point: Position['segments'][number],
  checks: readonly CustomerCheck[],
  { unread, large }: { readonly unread: readonly string[]; readonly large: readonly string[] },
): Promise<void> {
  return lease.advance(({ report, position }) => ({
    report: withCustomers(report, resultsOf(checks)),
    position: {
      ...position,
      segments: position.segments.with(segment, point),
      postponed: [...position.postponed, ...unread],
      large: [...position.large, ...large.map((customerId) => ({ customerId, walk: null }))],
    },
  }));
}

async function checkPostponed(work: Work): Promise<void> {
  const { lease } = work;
  for (;;) {
    const [customerId, ...rest] = lease.run.position.postponed;
    if (customerId === undefined || lease.mustStop) return;
    const check = await checkCustomer(work, customerId);
    const large = check.kind === 'large' ? [{ customerId, walk: null }] : [];
    const found =
      check.kind === 'unanswered'
        ? [customerFinding({ customerId, ...readFailure(check.error) })]
        : resultsOf([check]);
    await lease.advance(({ report, position }) => ({
      report: withCustomers(report, found),
      position: { ...position, postponed: rest, large: [...position.large, ...large] },
    }));
  }
}

const resultsOf = (checks: readonly CustomerCheck[]): CheckedCustomer[] =>
  checks.flatMap((look) => (look.kind === 'checked' ? [look.found] : []));

/**
 * A customer may change during the read, or a payment may be on its way. So a finding counts only if a
 * second, full read gives it in the same words.
 */
async function checkCustomer(work: Work, customerId: string): Promise<CustomerCheck> {
  const first = await checkOnce(work, customerId);
  if (first.kind !== 'checked' || first.found.drift.length === 0) return first;
  const second = await checkOnce(work, customerId);
  if (second.kind !== 'checked') return second;
  return { ...second, found: { ...second.found, drift: foundTwice(first.found.drift, second.found.drift) } };
}

async function checkOnce(work: Work, customerId: string): Promise<CustomerCheck> {
  const { deps, lease, meter, largeAboveUnits, beforeAsking } = work;
  try {
    const options = {
      paidBefore: endOf(work),
      meter: upTo(largeAboveUnits, meter),
      beforeAsking,
      prices: work.prices,
    };
    const records = await auditCustomer(deps, customerId, options);
    if (records === null) {
      const found = await findMissingHead(work, customerId);
      return found === null ? { kind: 'gone' } : { kind: 'checked', found };
    }
    const { head, entries, audit } = records;
    const violations = [...verifyLedger(records), ...(await driftAtStripe(work, head, audit))];
    const found = {
      entries: entries.length,
      charges: audit?.charges ?? 0,
      invoices: audit?.invoices ?? 0,
      isCompared: audit?.isAll ?? true,
      ...(audit !== null && { atStripe: { customerId, ...audit, days: sinceFirstDay(work, audit.days) } }),
      drift: violations.map((violation) => driftOf(customerId, violation)),
    };
    return { kind: 'checked', found };
  } catch (error) {
    if (error instanceof TooLarge) return { kind: 'large' };
    if (!isUnanswered(error))
      return { kind: 'checked', found: customerFinding({ customerId, ...readFailure(error) }) };
    await assertNoOutage(work, error);
    if (lease.run.position.postponed.length >= MAX_POSTPONED) throw error;
    return { kind: 'unanswered', error };
  }
}
