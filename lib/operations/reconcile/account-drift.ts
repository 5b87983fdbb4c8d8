import type { CustomerHead } from '../../domain/customer.ts';
import type { Violation } from '../../domain/ledger-records.ts';
import { currentSubscription } from '../../domain/subscription.ts';
import { compareWithStripe } from '../../domain/verify-head.ts';
import { type EventFate, readEventFates } from '../../store/audit/stripe.ts';
import { type StripeEvent, subjectOf } from '../../stripe/event.ts';
import { isFault } from '../../stripe/fault.ts';
import type { Page, StripeAccount } from '../../stripe/port.ts';
import type { MoneyAudit } from './auditor/audit-money.ts';
import { asOf, type Work } from './work.ts';

/** The customer, the subscriptions and the card. */
const CALLS_PER_ACCOUNT = 3;

/**
 * The auditor's findings, and differences in plan and disputes between head and Stripe. Leaves out what an
 * event still on its way explains.
 * @throws StripeFault, BillingError ledger_unavailable
 */
export async function driftAtStripe(
  work: Work,
  head: CustomerHead,
  audit: MoneyAudit | null,
): Promise<Violation[]> {
  if (audit === null) return [];
  const found = [...audit.accountDrift, ...(await compareAccount(work, head, audit))];
  if (found.length === 0) return [...audit.money];
  const about = new Set([head.stripeCustomerId, head.paymentMethodId, ...audit.relatedIds]);
  return [...audit.money, ...((await hasPendingEvent(work, about)) ? [] : found)];
}

async function compareAccount(work: Work, head: CustomerHead, audit: MoneyAudit): Promise<Violation[]> {
  const { stripeCustomerId } = head;
  if (stripeCustomerId === null) return [];
  const account = await readAccount(work, stripeCustomerId);
  if (account === null) return [];
  const isAccount = account.kind === 'account';
  return compareWithStripe(head, {
    isDeleted: !isAccount,
    subscription: isAccount ? currentSubscription(account.subscriptions) : null,
    openDisputes: audit.openDisputes,
    isAll: audit.isAll,
  });
}

/** Null if Stripe never had this customer: another check reports the binding. */
async function readAccount(
  { deps, beforeAsking }: Work,
  stripeCustomerId: string,
): Promise<StripeAccount | null> {
  const stripe = await deps.stripe();
  await beforeAsking(CALLS_PER_ACCOUNT);
  try {
    return await stripe.readAccount(stripeCustomerId);
  } catch (error) {
    if (isFault(error, 'refused')) return null;
    throw error;
  }
}

/**
 * Whether Stripe has an event about these ids that may still have an effect, among the events left to
 * Stripe's own delivery. Checked after the difference was found: an event applied in between removes the
 * difference at the second read.
 */
async function hasPendingEvent(
  { deps, lease, meter, beforeAsking }: Work,
  about: ReadonlySet<string | null>,
): Promise<boolean> {
  const stripe = await deps.stripe();
  let after: string | null = null;
  do {
    await beforeAsking(1);
    const page: Page<StripeEvent> = await stripe.listEvents({ from: asOf({ lease }), until: null, after });
    const ids = page.items
      .filter((event) =>
        Object.values(subjectOf(event)).some((id) => typeof id === 'string' && about.has(id)),
      )
      .map(({ id }) => id);
    const fates = await readEventFates(deps.table, ids, meter);
    if (ids.some((id) => !isFinal(fates.get(id)))) return true;
    after = page.next;
  } while (after !== null);
  return false;
}

/** Processed, or ignored: an ignored event is never applied, so it cannot explain a difference. */
const isFinal = (fate: EventFate | undefined): boolean =>
  fate?.outcome === 'processed' || fate?.outcome === 'ignored';
