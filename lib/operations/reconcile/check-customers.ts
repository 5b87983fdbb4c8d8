import { type CheckedCustomer, driftOf, stillThere, withCustomers } from '../../domain/reconciliation.ts';
import { verifyLedger } from '../../domain/verify.ts';
import { scanCustomers } from '../../store/audit/audit.ts';
import { keys } from '../../store/keys.ts';
import { driftAtStripe } from './account-drift.ts';
import { auditCustomer } from './audit-customer.ts';
import { checkLargeCustomers, TooLarge, upTo } from './check-large.ts';
import { lookForRest, notRead, unverified } from './looks.ts';
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

type Look =
  | { readonly kind: 'large' }
  | { readonly kind: 'looked'; readonly found: CheckedCustomer }
  /** Nothing is stored of this customer any more. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'unanswered'; readonly error: unknown };

/**
 * Checks the invariants of every customer, including the money at Stripe, with the table's segments in
 * parallel. Customers who could not be read are retried once at the end.
 * @throws StripeFault, BillingError if Stripe or the ledger cannot be reached
 */
export async function checkCustomers(work: Work): Promise<void> {
  const { held } = work;
  const ended = await Promise.allSettled(
    held.run.position.segments.map(async (_, segment) => {
      try {
        await checkSegment(work, segment);
      } catch (error) {
        held.stop();
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
  const { deps, held, meter } = work;
  const { segments } = held.run.position;
  let point = segments[segment];
  while (point !== undefined && !point.isDone && !held.isOver) {
    const place = { segment, of: segments.length, after: point.after };
    const { customerIds, next } = await scanCustomers(deps.table, place, meter);
    for (let from = 0; from < customerIds.length; from += AT_ONCE) {
      if (held.isOver) return;
      const some = customerIds.slice(from, from + AT_ONCE);
      const looks = await Promise.all(some.map((customerId) => lookTwice(work, customerId)));
      const kept = {
        unread: some.filter((_, i) => looks[i]?.kind === 'unanswered'),
        large: some.filter((_, i) => looks[i]?.kind === 'large'),
      };
      await goOn(work, segment, { after: keys.head(some.at(-1) ?? ''), isDone: false }, looks, kept);
    }
    point = { after: next, isDone: next === null };
    await goOn(work, segment, point, [], { unread: [], large: [] });
  }
}

function goOn(
  { held }: Work,
  segment: number,
  point: Position['segments'][number],
  looks: readonly Look[],
  { unread, large }: { readonly unread: readonly string[]; readonly large: readonly string[] },
): Promise<void> {
  return held.advance(({ report, position }) => ({
    report: withCustomers(report, foundBy(looks)),
    position: {
      ...position,
      segments: position.segments.with(segment, point),
      postponed: [...position.postponed, ...unread],
      large: [...position.large, ...large.map((customerId) => ({ customerId, walk: null }))],
    },
  }));
}

async function checkPostponed(work: Work): Promise<void> {
  const { held } = work;
  for (;;) {
    const [customerId, ...rest] = held.run.position.postponed;
    if (customerId === undefined || held.isOver) return;
    const look = await lookTwice(work, customerId);
    const large = look.kind === 'large' ? [{ customerId, walk: null }] : [];
    const found =
      look.kind === 'unanswered' ? [unverified({ customerId, ...notRead(look.error) })] : foundBy([look]);
    await held.advance(({ report, position }) => ({
      report: withCustomers(report, found),
      position: { ...position, postponed: rest, large: [...position.large, ...large] },
    }));
  }
}

const foundBy = (looks: readonly Look[]): CheckedCustomer[] =>
  looks.flatMap((look) => (look.kind === 'looked' ? [look.found] : []));

/**
 * A customer may change during the read, or a payment may be on its way. So a finding counts only if a
 * second, full read gives it in the same words.
 */
async function lookTwice(work: Work, customerId: string): Promise<Look> {
  const first = await lookAt(work, customerId);
  if (first.kind !== 'looked' || first.found.drift.length === 0) return first;
  const second = await lookAt(work, customerId);
  if (second.kind !== 'looked') return second;
  return { ...second, found: { ...second.found, drift: stillThere(first.found.drift, second.found.drift) } };
}

async function lookAt(work: Work, customerId: string): Promise<Look> {
  const { deps, held, meter, largeAboveUnits, beforeAsking } = work;
  try {
    const options = {
      paidBefore: endOf(work),
      meter: upTo(largeAboveUnits, meter),
      beforeAsking,
      prices: work.prices,
    };
    const records = await auditCustomer(deps, customerId, options);
    if (records === null) {
      const found = await lookForRest(work, customerId);
      return found === null ? { kind: 'gone' } : { kind: 'looked', found };
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
    return { kind: 'looked', found };
  } catch (error) {
    if (error instanceof TooLarge) return { kind: 'large' };
    if (!isUnanswered(error)) return { kind: 'looked', found: unverified({ customerId, ...notRead(error) }) };
    await assertNoOutage(work, error);
    if (held.run.position.postponed.length >= MAX_POSTPONED) throw error;
    return { kind: 'unanswered', error };
  }
}
