import type Stripe from 'stripe';
import type { FixPayment, FixReference, PaidFix } from '../port.ts';
import { idOf } from '../reference.ts';

/* Payments for fixes. */

/** Marks our payments, so that no other payment counts as a payment for a fix. */
export function fixMetadata({ customerId, fixAttemptId, attempt }: FixReference): Stripe.MetadataParam {
  return { purpose: 'fix', customer_id: customerId, fix_attempt_id: fixAttemptId, attempt: String(attempt) };
}

export function fixReferenceOf(metadata: Stripe.Metadata | null): FixReference | null {
  const { purpose, customer_id: customerId, fix_attempt_id: fixAttemptId, attempt } = metadata ?? {};
  if (purpose !== 'fix' || customerId === undefined || fixAttemptId === undefined) return null;
  if (!/^[1-9]\d{0,8}$/.test(attempt ?? '')) return null;
  return { customerId, fixAttemptId, attempt: Number(attempt) };
}

export function fixPaymentOf(intent: Stripe.PaymentIntent): FixPayment | null {
  const reference = fixReferenceOf(intent.metadata);
  if (reference === null) return null;
  const error = intent.last_payment_error;
  return {
    ...reference,
    paymentIntentId: intent.id,
    stripeCustomerId: idOf(intent.customer),
    state: stateOf(intent),
    amountCents: intent.status === 'succeeded' ? intent.amount_received : intent.amount,
    decline: error ? { code: error.code ?? 'card_declined', declineCode: error.decline_code ?? null } : null,
    clientSecret: intent.client_secret,
  };
}

function stateOf({ status, last_payment_error: error }: Stripe.PaymentIntent): FixPayment['state'] {
  switch (status) {
    case 'succeeded':
      return 'succeeded';
    case 'canceled':
      return 'canceled';
    case 'processing':
      return 'processing';
    case 'requires_action':
      return 'action_required';
    case 'requires_payment_method':
      return error?.code === 'authentication_required' ? 'action_required' : 'declined';
    case 'requires_capture':
    case 'requires_confirmation':
      // We confirm in one step and never capture later. Such a payment is never continued.
      return 'declined';
    default:
      // A status newer than this code is neither paid nor lost, so the payment is read again later.
      return 'processing';
  }
}

/** A payment may have waited for its cardholder. The charge has the time of payment and the refunds. */
export const WITH_CHARGE = ['data.latest_charge'];

/** Null for a payment that did not succeed, or is not for a fix. */
export function paidFixOf(intent: Stripe.PaymentIntent): PaidFix | null {
  const payment = fixPaymentOf(intent);
  if (payment?.state !== 'succeeded') return null;
  return { ...payment, isReturned: chargeOf(intent)?.refunded === true };
}

/** The payment's newest charge, if it was expanded. */
export const chargeOf = ({ latest_charge: charge }: Stripe.PaymentIntent): Stripe.Charge | null =>
  typeof charge === 'string' ? null : charge;
