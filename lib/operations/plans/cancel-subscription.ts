import type { CustomerHead } from '../../domain/customer.ts';
import { givesPro, isOver } from '../../domain/subscription.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { askStripe } from '../payments/payment-problems.ts';
import { subscriptionsOf, syncAccount } from './sync-account.ts';

/**
 * Cancels every Pro subscription, at the end of its period or now, and returns the head as synced afterwards.
 * With `atPeriodEnd`, a subscription without the Pro rate ends at once: it has no paid period to keep.
 * Credits stay. Idempotent.
 * @throws BillingError subscription_not_found, payments_unavailable, payments_misconfigured, ledger_busy,
 * ledger_unavailable
 */
export async function cancelSubscription(
  deps: PaymentDeps,
  customerId: string,
  atPeriodEnd: boolean,
): Promise<CustomerHead> {
  const { head, account } = await askStripe(() => syncAccount(deps, customerId));
  if (head.subscription === null) {
    throw new BillingError('subscription_not_found', 'There is no subscription to cancel.');
  }
  const toEnd = subscriptionsOf(account).filter(
    ({ state, cancelAtPeriodEnd }) =>
      !isOver(state) && !(atPeriodEnd && cancelAtPeriodEnd && givesPro(state)),
  );
  if (toEnd.length === 0) return head;
  const stripe = await deps.stripe();
  for (const { id, state } of toEnd) {
    await askStripe(() =>
      atPeriodEnd && givesPro(state) ? stripe.setCancelAtPeriodEnd(id, true) : stripe.cancelSubscription(id),
    );
  }
  return (await askStripe(() => syncAccount(deps, customerId))).head;
}
