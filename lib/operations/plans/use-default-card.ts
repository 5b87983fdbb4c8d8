import { isOver } from '../../domain/subscription.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import type { StripeAccount } from '../../stripe/port.ts';
import { subscriptionsOf } from './sync-account.ts';

/**
 * Makes Stripe charge every Pro subscription of a customer to the default card: a card of the subscription alone would win
 * over it. Safe to repeat.
 * @param account as Stripe has it now; null where Stripe was not asked
 * @throws StripeFault
 */
export async function useDefaultCard(deps: PaymentDeps, account: StripeAccount | null): Promise<void> {
  const defaultCard = account?.kind === 'account' ? (account.card?.paymentMethodId ?? null) : null;
  if (defaultCard === null) return;
  const stripe = await deps.stripe();
  for (const { id, state, ownCard } of subscriptionsOf(account)) {
    if (isOver(state) || ownCard === null || ownCard === defaultCard) continue;
    await stripe.clearOwnCard(id, defaultCard);
  }
}
