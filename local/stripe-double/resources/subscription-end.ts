import type Stripe from 'stripe';
import { change, changeAndEmit, emit, type Scope } from '../scope.ts';

type Reason = 'cancellation_requested' | 'payment_failed' | null;

/** Ends a subscription now. Open amounts are no longer collected automatically. */
export function endSubscription(
  scope: Scope,
  subscription: Stripe.Subscription,
  reason: Reason,
  details: Partial<Stripe.Subscription.CancellationDetails> = {},
): Stripe.Subscription {
  const before = subscription.cancellation_details;
  change(subscription, {
    status: 'canceled',
    canceled_at: subscription.canceled_at ?? scope.now,
    ended_at: scope.now,
    cancellation_details: {
      comment: null,
      feedback: null,
      feedback_option: null,
      ...before,
      reason: before?.reason ?? reason,
      ...details,
    },
  });
  for (const invoice of scope.state.invoices.newestFirst) {
    if (invoice.customer !== subscription.customer) continue;
    // Stripe stops all finalized invoices of the customer, and the drafts of this subscription.
    const own = invoice.parent?.subscription_details?.subscription === subscription.id;
    if (invoice.status !== 'open' && !(own && invoice.status === 'draft')) continue;
    changeAndEmit(scope, 'invoice.updated', invoice, { auto_advance: false, next_payment_attempt: null });
  }
  emit(scope, 'customer.subscription.deleted', subscription);
  return subscription;
}
