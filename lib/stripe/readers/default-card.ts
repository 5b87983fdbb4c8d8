import Stripe from 'stripe';
import type { DefaultCard } from '../port.ts';
import { idOf } from '../reference.ts';

/** The card for a customer's fixes; null also for a deleted customer. */
export async function readDefaultCard(stripe: Stripe, stripeCustomerId: string): Promise<DefaultCard | null> {
  const customer = await stripe.customers.retrieve(stripeCustomerId);
  return customer.deleted ? null : defaultCardOf(stripe, customer);
}

/**
 * The default payment method, else the default source of older integrations. Null if it is not a card, or no
 * longer the customer's. The only reader of the default card, so that all callers agree.
 */
export async function defaultCardOf(stripe: Stripe, customer: Stripe.Customer): Promise<DefaultCard | null> {
  const method = await defaultMethodOf(stripe, customer);
  return method === null ? null : cardFacts(method.id, method.card);
}

/** The default card with all that Stripe says about it. */
export async function defaultMethodOf(
  stripe: Stripe,
  customer: Stripe.Customer,
): Promise<Stripe.PaymentMethod | null> {
  const named = idOf(customer.invoice_settings.default_payment_method);
  // No `expand`: Stripe would reject it for a customer deleted meanwhile.
  const method =
    named === null
      ? await readSource(stripe, idOf(customer.default_source))
      : await stripe.paymentMethods.retrieve(named);
  // A card may still be the default while it is detached. It cannot be charged any more.
  return method?.type === 'card' && idOf(method.customer) === customer.id ? method : null;
}

/** What the service keeps of a card. */
export const cardFacts = (paymentMethodId: string, card: Stripe.PaymentMethod.Card | undefined) => ({
  paymentMethodId,
  fingerprint: card?.fingerprint ?? null,
  ...(card && { expires: `${card.exp_year}-${String(card.exp_month).padStart(2, '0')}` }),
});

/** Stripe also returns an older card as a payment method, but not a bank account. */
async function readSource(stripe: Stripe, source: string | null): Promise<Stripe.PaymentMethod | null> {
  if (source === null) return null;
  try {
    return await stripe.paymentMethods.retrieve(source);
  } catch (error) {
    if (error instanceof Stripe.errors.StripeInvalidRequestError) return null;
    throw error;
  }
}
