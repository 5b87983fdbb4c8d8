import type { CustomerHead } from '../../domain/customer.ts';
import { givesPro, isOver } from '../../domain/subscription.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { isOpenOrder, readOrder } from '../../store/orders.ts';
import { askStripe } from '../payments/payment-problems.ts';
import { endIncomplete, incompleteOf } from './end-incomplete.ts';
import { finishOrderUnattended } from './finish-order.ts';
import { type Synced, subscriptionsOf, syncAccount } from './sync-account.ts';

/**
 * Cancels every Pro subscription, at the end of its period or now, and returns the head as synced afterwards.
 * With `atPeriodEnd`, a subscription without the Pro rate ends at once: it has no paid period to keep.
 * Credits stay. Idempotent.
 * @throws BillingError subscription_not_found, payment_pending, payments_unavailable,
 * payments_misconfigured, ledger_busy, ledger_unavailable
 */
export async function cancelSubscription(
  deps: PaymentDeps,
  customerId: string,
  atPeriodEnd: boolean,
): Promise<CustomerHead> {
  const { head, account } = await currentAccount(deps, customerId);
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

/**
 * Syncs the account. Ends an order that waits for its cardholder, and any other incomplete subscription:
 * otherwise its payment could still be made. One that was just paid has a period to keep.
 */
async function currentAccount(deps: PaymentDeps, customerId: string): Promise<Synced> {
  const synced = await askStripe(() => syncAccount(deps, customerId));
  const incomplete = incompleteOf(synced.account);
  if (incomplete.length === 0) return synced;
  const order = await readOrder(deps.table, customerId);
  if (isOpenOrder(order)) await finishOrderUnattended(deps, customerId, order, 'never');
  return endIncomplete(deps, customerId, incomplete);
}

/**
 * Withdraws a pending cancellation. Buys nothing: a subscription that has ended meanwhile stays ended.
 * Idempotent.
 * @throws BillingError subscription_not_found, payments_unavailable, payments_misconfigured, ledger_busy,
 * ledger_unavailable
 */
export async function resumeSubscription(deps: PaymentDeps, customerId: string): Promise<CustomerHead> {
  const { head } = await askStripe(() => syncAccount(deps, customerId));
  const { subscription } = head;
  if (subscription === null || !givesPro(subscription.state)) {
    throw new BillingError('subscription_not_found', 'Pro has ended. Subscribe again to get it back.');
  }
  if (!subscription.cancelAtPeriodEnd) return head;
  const stripe = await deps.stripe();
  await askStripe(() => stripe.setCancelAtPeriodEnd(subscription.id, false));
  return (await askStripe(() => syncAccount(deps, customerId))).head;
}
