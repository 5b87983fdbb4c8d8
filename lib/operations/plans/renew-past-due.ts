import type { CustomerHead } from '../../domain/customer.ts';
import { formatUsd } from '../../domain/pricing.ts';
import { givesPro } from '../../domain/subscription.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { readHead } from '../../store/heads.ts';
import { readCardTries } from '../../store/payments/card-tries.ts';
import { accountClosed } from '../ledger/require-item.ts';
import { askStripe, cardDeclined } from '../payments/payment-problems.ts';
import { payRenewal } from './pay-renewal.ts';
import { openRenewalCents } from './pay-renewal-in-person.ts';
import { payingCustomer } from './settle-order.ts';
import { syncAccount } from './sync-account.ts';

/**
 * Pays the newest period of a past-due subscription, because its customer subscribes again.
 * @param mostCents what that person agreed to, in US cents; null for a caller of the API
 * @returns the head with the renewed subscription
 * @throws BillingError as `subscribeToPro`, whenever the subscription is still past due
 */
export async function renewPastDue(
  deps: PaymentDeps,
  head: CustomerHead,
  mostCents: number | null,
): Promise<CustomerHead> {
  const { customerId } = head;
  await assertPaying(deps, head);
  const outcome = await payRenewal(deps, customerId, true, mostCents);
  switch (outcome.kind) {
    case 'paid':
      return (await readHead(deps.table, customerId)) ?? head;
    case 'none':
      return afterNoPayment(deps, customerId, mostCents);
    case 'declined':
      throw cardDeclined(outcome.decline, 'Nothing was charged. Add another card, then subscribe again.');
    case 'needs_approval':
      throw new BillingError('authentication_required', NEEDS_APPROVAL, {
        reasons: ['authentication_required'],
      });
    default:
      return outcome satisfies never;
  }
}

/** @throws BillingError no_billing_info, account_disputed */
async function assertPaying(deps: PaymentDeps, head: CustomerHead): Promise<void> {
  const { cards } = await readCardTries(deps.table, head.customerId);
  payingCustomer(head, { cards, at: deps.now() });
}

const NEEDS_APPROVAL =
  "The card's bank asks the cardholder to confirm the renewal, which cannot be done from here. Nothing was " +
  'charged. Pay it on the billing page, or add another card: the renewal is then paid with it.';

/**
 * Returns the head if Pro goes on without our payment, because Stripe's own retry was paid. Otherwise throws
 * the reason why nothing was paid.
 */
async function afterNoPayment(
  deps: PaymentDeps,
  customerId: string,
  mostCents: number | null,
): Promise<CustomerHead> {
  const { head } = await askStripe(() => syncAccount(deps, customerId));
  const state = head.subscription?.state ?? 'canceled';
  if (head.closedAt !== null) throw accountClosed(customerId);
  if (state !== 'past_due') {
    if (givesPro(state)) return head;
    throw new BillingError('payments_unavailable', CHANGED);
  }
  // A dispute that only Stripe knew may be why nothing was paid.
  await assertPaying(deps, head);
  const cents = await openRenewalCents(deps, head);
  if (cents === null) {
    throw new BillingError('payments_unavailable', NOTHING_TO_PAY, { retryAfterSeconds: RETRY_SECONDS });
  }
  if (mostCents !== null && cents > mostCents) {
    throw new BillingError(
      'form_outdated',
      `The renewal costs ${formatUsd(cents)} now. Nothing was charged.`,
    );
  }
  throw new BillingError('payments_unavailable', CHANGED);
}

const CHANGED =
  'The card or the subscription has just changed, so nothing was charged. Send the same request again.';
const NOTHING_TO_PAY =
  'Nothing was charged: Pro is past due, and Stripe has no invoice that a card can pay now. Cancel Pro ' +
  'now, not at the end of the period, then subscribe again; or ask support.';
/** Long, because a retry helps only after Stripe or a person has changed something. */
const RETRY_SECONDS = 3_600;
