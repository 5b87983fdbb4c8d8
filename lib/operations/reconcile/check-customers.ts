import {
  type CheckedCustomer,
  type Drift,
  driftOf,
  stillThere,
  withCustomers,
} from '../../domain/reconciliation.ts';
import { HEAD_MISSING, verifyLedger } from '../../domain/verify.ts';
import { isAnythingLeft, scanCustomers } from '../../store/audit/audit.ts';
import { keys } from '../../store/keys.ts';
import { findStandingDrift } from './account-drift.ts';
import { auditCustomer } from './audit-customer.ts';
import { assertNoOutage, isUnanswered, whyOf } from './outage.ts';
import type { Position } from './stored-run.ts';
import { endOf, type Work } from './work.ts';

/** Customers of one segment that are looked at at once; with the segments this bounds the calls under way at Stripe. */
const AT_ONCE = 2;
/** More than that, and it is no matter of single customers. */
const MAX_POSTPONED = 500;

type Look =
  | { readonly kind: 'looked'; readonly found: CheckedCustomer }
  /** There is nothing of such a customer any more. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'unanswered'; readonly error: unknown };

/**
 * Checks the invariants of every customer, their money at Stripe included, in the segments of the table side by side. Whoever
 * could not be read is tried once more at the end.
 * @throws StripeFault, BillingError where one of the two cannot be reached
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
      const unread = some.filter((_, i) => looks[i]?.kind === 'unanswered');
      await goOn(work, segment, { after: keys.head(some.at(-1) ?? ''), isDone: false }, looks, unread);
    }
    point = { after: next, isDone: next === null };
    await goOn(work, segment, point, [], []);
  }
}

function goOn(
  { held }: Work,
  segment: number,
  point: Position['segments'][number],
  looks: readonly Look[],
  unread: readonly string[],
): Promise<void> {
  return held.advance(({ report, position }) => ({
    report: withCustomers(report, foundBy(looks)),
    position: {
      ...position,
      segments: position.segments.with(segment, point),
      postponed: [...position.postponed, ...unread],
    },
  }));
}

async function checkPostponed(work: Work): Promise<void> {
  const { held } = work;
  for (;;) {
    const [customerId, ...rest] = held.run.position.postponed;
    if (customerId === undefined || held.isOver) return;
    const look = await lookTwice(work, customerId);
    const found =
      look.kind === 'unanswered' ? [unverified({ customerId, ...notRead(look.error) })] : foundBy([look]);
    await held.advance(({ report, position }) => ({
      report: withCustomers(report, found),
      position: { ...position, postponed: rest },
    }));
  }
}

const foundBy = (looks: readonly Look[]): CheckedCustomer[] =>
  looks.flatMap((look) => (look.kind === 'looked' ? [look.found] : []));

/**
 * A customer may be changed while they are read, or a payment be on its way. What was found counts if it is there again, in the
 * same words, when all of it is read anew.
 */
async function lookTwice(work: Work, customerId: string): Promise<Look> {
  const first = await lookAt(work, customerId);
  if (first.kind !== 'looked' || first.found.drift.length === 0) return first;
  const second = await lookAt(work, customerId);
  if (second.kind !== 'looked') return second;
  return { ...second, found: { ...second.found, drift: stillThere(first.found.drift, second.found.drift) } };
}

async function lookAt(work: Work, customerId: string): Promise<Look> {
  const { deps, held, meter, beforeAsking } = work;
  try {
    const records = await auditCustomer(deps, customerId, { paidBefore: endOf(work), meter, beforeAsking });
    if (records === null) return await lookForRest(work, customerId);
    const { entries, stripe } = records;
    const violations = [...verifyLedger(records), ...(await findStandingDrift(work, records))];
    const found = {
      entries: entries.length,
      charges: stripe?.fixCharges.length ?? 0,
      invoices: stripe?.paidProInvoices.length ?? 0,
      isCompared: stripe?.isAll ?? false,
      drift: violations.map((violation) => driftOf(customerId, violation)),
    };
    return { kind: 'looked', found };
  } catch (error) {
    if (!isUnanswered(error)) return { kind: 'looked', found: unverified({ customerId, ...notRead(error) }) };
    await assertNoOutage(work, error);
    if (held.run.position.postponed.length >= MAX_POSTPONED) throw error;
    return { kind: 'unanswered', error };
  }
}

/** A customer whose head is gone is nobody who would miss it. */
async function lookForRest({ deps, meter }: Work, customerId: string): Promise<Look> {
  if (!(await isAnythingLeft(deps.table, customerId, meter))) return { kind: 'gone' };
  return { kind: 'looked', found: unverified(driftOf(customerId, HEAD_MISSING)) };
}

const notRead = (error: unknown) => ({ invariant: null, message: `could not be checked: ${whyOf(error)}` });

const unverified = (drift: Omit<Drift, 'seq'>): CheckedCustomer => ({
  entries: 0,
  charges: 0,
  invoices: 0,
  isCompared: true,
  drift: [{ ...drift, seq: null }],
});
