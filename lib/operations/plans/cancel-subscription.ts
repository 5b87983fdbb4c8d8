import type { CustomerHead } from '../../domain/customer.ts';
import { isOver } from '../../domain/subscription.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { askStripe } from '../payments/payment-problems.ts';
import { syncAccount } from './sync-account.ts';

/**
 * Cancels the subscription: with the period that is paid, which keeps the Pro rate until then, or now. Credits stay. Safe to
 * repeat; one that is over already stays as it is.
 * @throws BillingError subscription_not_found, payments_unavailable, payments_misconfigured, ledger_busy,
 * ledger_unavailable
 */
export async function cancelSubscription(
  deps: PaymentDeps,
  customerId: string,
  atPeriodEnd: boolean,
): Promise<CustomerHead> {
  const { head } = await askStripe(() => syncAccount(deps, customerId));
  const { subscription } = head;
  if (subscription === null) {
    throw new BillingError('subscription_not_found', 'There is no subscription to cancel.');
  }
  if (isOver(subscription.state) || (atPeriodEnd && subscription.cancelAtPeriodEnd)) return head;
  const stripe = await deps.stripe();
  await askStripe(() =>
    atPeriodEnd
      ? stripe.setCancelAtPeriodEnd(subscription.id, true)
      : stripe.cancelSubscription(subscription.id),
  );
  return (await askStripe(() => syncAccount(deps, customerId))).head;
}
