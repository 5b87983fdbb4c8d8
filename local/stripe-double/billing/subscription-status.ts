import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import { defaultMethodOf } from '../resources/customer-lookup.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';

const REVIVED_BY_PAYMENT = ['incomplete', 'past_due', 'unpaid'];

export const subscriptionOf = (scope: Scope, invoice: Stripe.Invoice): Stripe.Subscription | undefined =>
  scope.state.subscriptions.find(idOf(invoice.parent?.subscription_details?.subscription));

/** Payment of its latest invoice makes a subscription active again, unless the subscription has ended. */
export function reviveSubscription(scope: Scope, invoice: Stripe.Invoice): void {
  const subscription = subscriptionOf(scope, invoice);
  if (subscription === undefined || subscription.latest_invoice !== invoice.id) return;
  if (scope.state.resumptions.delete(invoice.id)) resumeSubscription(scope, subscription);
  if (!REVIVED_BY_PAYMENT.includes(subscription.status)) return;
  changeAndEmit(scope, 'customer.subscription.updated', subscription, { status: 'active' });
}

/** The payment method of a subscription: its own, or the customer's default. */
export function methodOf(
  scope: Scope,
  subscription: Stripe.Subscription | undefined,
  customerId: string | null,
): Stripe.PaymentMethod | undefined {
  const ownId = idOf(subscription?.default_payment_method) ?? idOf(subscription?.default_source);
  const own = scope.state.paymentMethods.find(ownId);
  if (own !== undefined) return own;
  const customer = scope.state.customers.find(customerId);
  return customer === undefined ? undefined : scope.state.paymentMethods.find(defaultMethodOf(customer));
}

/** A paused subscription gets no invoices. `type` is the reason. */
export function pauseSubscription(
  scope: Scope,
  subscription: Stripe.Subscription,
  type: Stripe.Subscription.StatusDetails.Paused.Subscription.Type,
  changes: Partial<Stripe.Subscription> = {},
): void {
  changeAndEmit(scope, 'customer.subscription.updated', subscription, {
    ...changes,
    status: 'paused',
    status_details: {
      paused: { subscription: { type }, transitioned_at: scope.now, type: 'subscription' },
    },
  });
  emit(scope, 'customer.subscription.paused', subscription);
}

export function resumeSubscription(scope: Scope, subscription: Stripe.Subscription): void {
  changeAndEmit(scope, 'customer.subscription.updated', subscription, { status: 'active' });
  emit(scope, 'customer.subscription.resumed', subscription);
}
