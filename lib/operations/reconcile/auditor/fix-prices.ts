import type { Violation } from '../../../domain/ledger-records.ts';
import type { RawPauseChange, RawSubscription } from '../../../stripe/port/audit.ts';
import type { ChargesAudit } from './charges.ts';
import { moneyDifference } from './findings.ts';
import type { Inquiry } from './inquiry.ts';
import type { InvoicesAudit } from './invoices.ts';

/* The price at which a customer's fixes were charged. */

/** The price of a fix while a period is paid, from the price list. */
const COVERED_FIX_CENTS = 1_500;
const DAY = 24 * 60 * 60;
/** In seconds: how long Stripe still collects after a paid period, and extra for charges announced before. */
const GRACE = 21 * DAY;
const ANNOUNCED_BEFORE = 2 * DAY;
/** Stripe keeps events for 30 days. What was before them is unknown. */
const KNOWN = 29 * DAY;
/** Pages of events that one audit reads. If there are more, it is unknown when a pause began. */
const MAX_PAGES = 20;

/** States in which Stripe goes on with a subscription. */
export const GOES_ON: ReadonlySet<string> = new Set(['active', 'trialing', 'past_due', 'unpaid']);

type PaidFix = ChargesAudit['paidFixes'][number];

/**
 * Fixes charged at the price of a paid period while no period was paid. While collection is paused, the price
 * ends with the paid period; otherwise it lasts three weeks longer.
 * @throws StripeFault
 */
export async function priceDifferences(
  inquiry: Inquiry,
  subscriptions: readonly RawSubscription[],
  charges: readonly ChargesAudit[],
  invoices: readonly InvoicesAudit[],
): Promise<Violation[]> {
  const covered = invoices.flatMap((seen) => seen.covered);
  const isWithin = ({ askedAt }: PaidFix, extra: number): boolean =>
    covered.some(({ start, end }) => start - DAY <= askedAt && askedAt <= end + extra + ANNOUNCED_BEFORE);
  const late = charges
    .flatMap(({ paidFixes }) => paidFixes)
    .filter((fix) => fix.cents === COVERED_FIX_CENTS && !isWithin(fix, 0));
  const inGrace = late.filter((fix) => isWithin(fix, GRACE));
  const whilePaused = new Set(await chargedWhilePaused(inquiry, subscriptions, inGrace));
  return late
    .filter((fix) => !inGrace.includes(fix) || whilePaused.has(fix))
    .map(({ paymentIntentId, cents }) =>
      moneyDifference(
        `the price of a fix differs: payment ${paymentIntentId} charged ${cents} cents while no period ` +
          'was paid',
      ),
    );
}

/**
 * Selects the fixes that were charged while a subscription, which is paused now, was paused already. A fix is
 * left out if that is unknown.
 */
async function chargedWhilePaused(
  inquiry: Inquiry,
  subscriptions: readonly RawSubscription[],
  fixes: readonly PaidFix[],
): Promise<PaidFix[]> {
  const pausedNow = subscriptions.filter((one) => one.isCollectionPaused && GOES_ON.has(one.status));
  const oldest = Math.floor(inquiry.now.getTime() / 1_000) - KNOWN + ANNOUNCED_BEFORE;
  const known = fixes.filter(({ askedAt }) => askedAt > oldest);
  if (pausedNow.length === 0 || known.length === 0) return [];
  const since = Math.min(...known.map(({ askedAt }) => askedAt)) - ANNOUNCED_BEFORE;
  const changes = await pauseChanges(inquiry, since);
  if (changes === null) return [];
  return known.filter(({ askedAt }) =>
    pausedNow.some(({ id }) => {
      const later = changes.filter(
        ({ subscriptionId, created }) => subscriptionId === id && created >= askedAt - ANNOUNCED_BEFORE,
      );
      // The newest comes first. Without a change, the subscription was as it is now.
      const next = later.at(-1);
      return next === undefined || (next.created > askedAt && next.wasPaused);
    }),
  );
}

/** Newest first; null if there are too many events. */
async function pauseChanges(
  { stripe, beforeAsking }: Inquiry,
  since: number,
): Promise<RawPauseChange[] | null> {
  const changes: RawPauseChange[] = [];
  let after: string | null = null;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    await beforeAsking(1);
    const page: Awaited<ReturnType<typeof stripe.rawPauseChanges>> = await stripe.rawPauseChanges(
      since,
      after,
    );
    changes.push(...page.items);
    after = page.next;
    if (after === null) return changes;
  }
  return null;
}
