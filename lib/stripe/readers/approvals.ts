import type Stripe from 'stripe';
import { PAGE } from '../paging.ts';
import type { Approval, NextStep, Ordered, Subscribed } from '../port.ts';
import { idOf } from '../reference.ts';

/* Payments that wait for their cardholder. */

export function approvalOf(intent: Stripe.PaymentIntent): Approval {
  const { last_payment_error: error } = intent;
  const state = stateOf(intent);
  return {
    paymentIntentId: intent.id,
    state,
    next: state === 'waiting' ? nextStepOf(intent) : null,
    decline:
      state === 'failed'
        ? { code: error?.code ?? 'card_declined', declineCode: error?.decline_code ?? null }
        : null,
  };
}

function stateOf({ status, last_payment_error: error }: Stripe.PaymentIntent): Approval['state'] {
  switch (status) {
    case 'succeeded':
      return 'succeeded';
    case 'canceled':
      return 'canceled';
    case 'requires_action':
      return 'waiting';
    case 'requires_confirmation':
      return 'unconfirmed';
    case 'requires_payment_method':
      // Refused because the cardholder was absent: it can be confirmed with the cardholder present.
      return !error || error.code === 'authentication_required' ? 'unconfirmed' : 'failed';
    default:
      // Never captured later, or a status newer than this code: neither paid nor lost.
      return 'processing';
  }
}

/** Which of the two Stripe chooses is not documented. */
function nextStepOf({
  next_action: next,
  client_secret: clientSecret,
}: Stripe.PaymentIntent): NextStep | null {
  const url = next?.redirect_to_url?.url ?? null;
  if (url !== null) return { kind: 'redirect', url };
  return clientSecret === null ? null : { kind: 'script', clientSecret };
}

/** Adds the payment of the first invoice. */
export async function withPayment(stripe: Stripe, subscribed: Subscribed): Promise<Ordered> {
  const { invoice } = subscribed;
  if (invoice === null || invoice.paid) return { ...subscribed, payment: null };
  const expand = ['data.payment.payment_intent'];
  let payment: Approval | null = null;
  for await (const one of stripe.invoicePayments.list({ invoice: invoice.id, limit: PAGE, expand })) {
    const intent = one.payment.payment_intent ?? null;
    const id = idOf(intent);
    if (!one.is_default || id === null) continue;
    payment = approvalOf(
      typeof intent === 'object' && intent !== null ? intent : await stripe.paymentIntents.retrieve(id),
    );
  }
  return { ...subscribed, payment };
}
