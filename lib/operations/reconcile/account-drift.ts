import type { Violation } from '../../domain/ledger-records.ts';
import { currentSubscription } from '../../domain/subscription.ts';
import { compareStanding } from '../../domain/verify-head.ts';
import { readEventFates } from '../../store/audit/stripe.ts';
import { type StripeEvent, subjectOf } from '../../stripe/event.ts';
import { isFault } from '../../stripe/fault.ts';
import type { Page, StripeAccount } from '../../stripe/port.ts';
import type { AuditedRecords } from './audit-customer.ts';
import { asOf, type Work } from './work.ts';

/** The customer, their subscriptions and their card. */
const CALLS_PER_ACCOUNT = 3;
/** The charge, its refunds, its disputes, and what it paid for. */
const CALLS_PER_DISPUTED_CHARGE = 5;

/**
 * What the head says of plan, card and disputes otherwise than Stripe, and what no event explains that is still on its way.
 * @throws StripeFault, BillingError ledger_unavailable
 */
export async function findStandingDrift(work: Work, records: AuditedRecords): Promise<Violation[]> {
  const { head, disputedChargeIds } = records;
  const { stripeCustomerId } = head;
  if (stripeCustomerId === null) return [];
  const account = await readAccount(work, stripeCustomerId);
  if (account === null) return [];
  const isAccount = account.kind === 'account';
  const atStripe = {
    isDeleted: !isAccount,
    subscription: isAccount ? currentSubscription(account.subscriptions) : null,
    hasCard: isAccount && account.paymentMethodId !== null,
    openDisputes: await readOpenDisputes(work, disputedChargeIds),
    isAll: records.stripe?.isAll ?? false,
  };
  const found = compareStanding(head, atStripe);
  if (found.length === 0) return [];
  const about = [stripeCustomerId, head.paymentMethodId, ...disputedChargeIds].filter((id) => id !== null);
  return (await isBeingTold(work, new Set(about))) ? [] : found;
}

/** Null where Stripe never had such a customer: that is told of the binding. */
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

async function readOpenDisputes(
  { deps, beforeAsking }: Work,
  chargeIds: readonly string[],
): Promise<readonly string[]> {
  const stripe = await deps.stripe();
  const open: string[] = [];
  for (const chargeId of chargeIds) {
    await beforeAsking(CALLS_PER_DISPUTED_CHARGE);
    const { disputes } = await stripe.readReturnedMoney(chargeId);
    open.push(...disputes.filter((dispute) => dispute.open).map(({ id }) => id));
  }
  return open;
}

/**
 * Whether Stripe has an event about one of these that had no effect yet, of those that the run left to Stripe's own delivery. Asked
 * after the difference was seen: what has an effect by then is not there any more at the second look.
 */
async function isBeingTold(
  { deps, held, meter, beforeAsking }: Work,
  about: ReadonlySet<string | null>,
): Promise<boolean> {
  const stripe = await deps.stripe();
  let after: string | null = null;
  do {
    await beforeAsking(1);
    const page: Page<StripeEvent> = await stripe.listEvents({ from: asOf({ held }), until: null, after });
    const ids = page.items
      .filter((event) => Object.values(subjectOf(event)).some((id) => about.has(id)))
      .map(({ id }) => id);
    const fates = await readEventFates(deps.table, ids, meter);
    if (ids.some((id) => fates.get(id)?.outcome !== 'processed')) return true;
    after = page.next;
  } while (after !== null);
  return false;
}
