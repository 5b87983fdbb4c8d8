import type { PaymentDeps } from '../../runtime/deps.ts';
import { readHead } from '../../store/heads.ts';
import { syncAccount } from '../plans/sync-account.ts';
import { headWithOpenDisputes } from './open-disputes.ts';

/** The Stripe customer and card of a payment when it was announced. */
export interface Payer {
  readonly stripeCustomerId: string;
  /** Null for an order of an earlier release, which did not store the card. */
  readonly paymentMethodId: string | null;
}

/**
 * Whether an announced payment may still be sent: the account is open, no dispute is open, and the card is
 * still the default. Reads card and disputes at Stripe. If Stripe has another card, the account is synced, so
 * that the next attempt uses that card.
 * @throws StripeFault, BillingError ledger_busy, ledger_unavailable
 */
export async function payerHolds(deps: PaymentDeps, customerId: string, payer: Payer): Promise<boolean> {
  const stripe = await deps.stripe();
  const card = await stripe.readDefaultCard(payer.stripeCustomerId);
  const known = await readHead(deps.table, customerId);
  if (known === null || known.stripeCustomerId !== payer.stripeCustomerId) return false;
  const head = await headWithOpenDisputes(deps, customerId, payer.stripeCustomerId);
  if (head.closedAt !== null || head.openDisputes.length > 0) return false;
  if (card !== null && (payer.paymentMethodId ?? card.paymentMethodId) === card.paymentMethodId) return true;
  await syncAccount(deps, customerId);
  return false;
}
