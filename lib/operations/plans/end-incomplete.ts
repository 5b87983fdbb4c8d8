import type { ProSubscription } from '../../domain/subscription.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import type { StripeAccount } from '../../stripe/port.ts';
import { askStripe, stillPending } from '../payments/payment-problems.ts';
import { endUnlessPaid } from './order-on-session.ts';
import { type Synced, subscriptionsOf, syncAccount } from './sync-account.ts';

/** The subscriptions that wait for their first payment. */
export const incompleteOf = (account: StripeAccount | null): readonly ProSubscription[] =>
  subscriptionsOf(account).filter(({ state }) => state === 'incomplete');

/**
 * Ends subscriptions that were incomplete when the account was read, except those paid since, and returns the
 * account as synced afterwards. Neither our reading of the account nor the order can tell whether one is paid
 * by now. Stripe can: it does not void a paid invoice.
 * @throws BillingError payment_pending if Stripe still shows one as incomplete: its payment succeeds just
 * now, or a concurrent call has made it; payments_unavailable, payments_misconfigured, ledger_busy,
 * ledger_unavailable
 */
export async function endIncomplete(
  deps: PaymentDeps,
  customerId: string,
  incomplete: readonly ProSubscription[],
): Promise<Synced> {
  const stripe = await deps.stripe();
  for (const { id } of incomplete) {
    await askStripe(async () => endUnlessPaid(stripe, await stripe.readOrdered(id)));
  }
  const synced = await askStripe(() => syncAccount(deps, customerId));
  if (incompleteOf(synced.account).length > 0) throw stillPending(undefined);
  return synced;
}
