import Stripe from 'stripe';
import type { DefaultCard } from '../port.ts';
import { idOf } from '../reference.ts';

/**
 * The card that a customer's fixes are charged to: their default payment method, else the default source of older
 * integrations. Null where that is no card, where it is detached, and for a customer who was deleted.
 */
export async function readDefaultCard(stripe: Stripe, stripeCustomerId: string): Promise<DefaultCard | null> {
  const customer = await stripe.customers.retrieve(stripeCustomerId);
  if (customer.deleted) return null;
  const named = idOf(customer.invoice_settings.default_payment_method);
  const method =
    named === null
      ? await readSource(stripe, idOf(customer.default_source))
      : await stripe.paymentMethods.retrieve(named);
  if (method?.type !== 'card' || idOf(method.customer) !== stripeCustomerId) return null;
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
