import type Stripe from 'stripe';
import type { ProInvoice } from '../domain/grants.ts';
import {
  isOver,
  type ProSubscription,
  SUBSCRIPTION_STATES,
  type SubscriptionState,
} from '../domain/subscription.ts';
import { StripeFault } from './fault.ts';
import type { FixPayment, FixReference } from './port.ts';

/* From Stripe's objects to what the service wants to know of them. The shapes are those of the pinned version. */

type Reference = string | { readonly id: string } | null | undefined;

export function idOf(reference: Reference): string | null {
  if (reference === null || reference === undefined) return null;
  return typeof reference === 'string' ? reference : reference.id;
}

/** Ours, so that a payment which is not for a fix, or not made by us, is never taken for one. */
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
      // We confirm in one step and never capture later: nobody will go on with such a payment.
      return 'declined';
    default:
      // A status that is newer than we are: neither paid nor lost, so it is asked for again.
      return 'processing';
  }
}

/** Null for a subscription to something else. */
export function proSubscriptionOf(
  subscription: Stripe.Subscription,
  priceId: string,
): ProSubscription | null {
  const item = subscription.items.data.find(({ price }) => price.id === priceId);
  if (item === undefined) return null;
  const state = stateOfSubscription(subscription);
  return {
    id: subscription.id,
    state,
    // The customer portal sets the moment instead of the flag. What is over does not end once more.
    cancelAtPeriodEnd:
      !isOver(state) && (subscription.cancel_at_period_end || subscription.cancel_at !== null),
    currentPeriodEnd: new Date(item.current_period_end * 1000).toISOString(),
    created: subscription.created,
  };
}

function stateOfSubscription({ status }: Stripe.Subscription): SubscriptionState {
  const known = SUBSCRIPTION_STATES.find((state) => state === status);
  // Whether a status that is newer than we are gives the Pro rate is for people to say.
  if (known === undefined) throw new StripeFault('misconfigured', { code: 'unknown_subscription_status' });
  return known;
}

export function proInvoiceOf(
  invoice: Stripe.Invoice,
  lines: readonly Stripe.InvoiceLineItem[],
  priceId: string,
): ProInvoice {
  return {
    id: invoice.id,
    totalCents: invoice.total,
    billingReason: invoice.billing_reason ?? 'unknown',
    paid: invoice.status === 'paid',
    hasProLine: lines.some((line) => paysForPro(line, priceId)),
  };
}

function paysForPro({ pricing, parent }: Stripe.InvoiceLineItem, priceId: string): boolean {
  const price = idOf(pricing?.price_details?.price);
  return price === priceId && parent?.subscription_item_details?.proration === false;
}
