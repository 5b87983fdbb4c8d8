import { isOver } from '../../domain/subscription.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import type { StripeAccount } from '../../stripe/port.ts';
import { subscriptionsOf } from './sync-account.ts';

/**
 * Makes Stripe charge every Pro subscription to the customer's default card. A subscription's own card would
 * take precedence, so this clears it. Idempotent.
 * @param account as Stripe has it now; null if Stripe was not asked
 * @throws StripeFault
 */
export async function clearSubscriptionCards(
  deps: PaymentDeps,
  account: StripeAccount | null,
): Promise<void> {
  const defaultCard = account?.kind === 'account' ? (account.card?.paymentMethodId ?? null) : null;
  if (defaultCard === null) return;
  const stripe = await deps.stripe();
  for (const { id, state, ownCard } of subscriptionsOf(account)) {
    if (isOver(state) || ownCard === null || ownCard === defaultCard) continue;
    await stripe.clearOwnCard(id, defaultCard);
  }
}
