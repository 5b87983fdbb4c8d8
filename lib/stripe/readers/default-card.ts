import Stripe from 'stripe';
import type { DefaultCard } from '../port.ts';
import { idOf } from '../reference.ts';

/** The card that a customer's fixes are charged to; null also for a customer who was deleted. */
export async function readDefaultCard(stripe: Stripe, stripeCustomerId: string): Promise<DefaultCard | null> {
  const customer = await stripe.customers.retrieve(stripeCustomerId);
  return customer.deleted ? null : defaultCardOf(stripe, customer);
}

/**
 * The default payment method, or the default source of older integrations where there is none. Null where that is no card, or
 * is not the customer's any more. The one reader of the card on file, so that its callers always agree.
 */
export async function defaultCardOf(stripe: Stripe, customer: Stripe.Customer): Promise<DefaultCard | null> {
  const named = idOf(customer.invoice_settings.default_payment_method);
  // Not by `expand`, which a customer who was deleted meanwhile would be refused for.
  const method =
    named === null
      ? await readSource(stripe, idOf(customer.default_source))
      : await stripe.paymentMethods.retrieve(named);
  // A card that is being detached may still be named; it cannot be charged any more.
  if (method?.type !== 'card' || idOf(method.customer) !== customer.id) return null;
  return { paymentMethodId: method.id, fingerprint: method.card?.fingerprint ?? null };
}

/** Stripe shows a card of the older kind as a payment method too. A bank account has no such form. */
async function readSource(stripe: Stripe, source: string | null): Promise<Stripe.PaymentMethod | null> {
  if (source === null) return null;
  try {
    return await stripe.paymentMethods.retrieve(source);
  } catch (error) {
    if (error instanceof Stripe.errors.StripeInvalidRequestError) return null;
    throw error;
  }
}
