import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import { changeAndEmit, type Scope } from '../scope.ts';
import { cardIn } from './checkout-sessions.ts';
import { createPaymentMethod, detach } from './payment-methods.ts';
import { authenticateSetup, confirmSetup, createSetup } from './setup-life.ts';
import { endSubscription } from './subscription-end.ts';

/** A customer's actions on the portal page. */
export const portalAction = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('add_card'), card: z.string() }),
  z.strictObject({ action: z.literal('choose_card'), payment_method: z.string() }),
  z.strictObject({ action: z.literal('remove_card'), payment_method: z.string() }),
  z.strictObject({ action: z.literal('cancel_at_period_end'), subscription: z.string() }),
  z.strictObject({ action: z.literal('keep'), subscription: z.string() }),
  z.strictObject({ action: z.literal('cancel_now'), subscription: z.string() }),
  z.strictObject({
    action: z.literal('update_customer'),
    email: z.optional(z.string().check(z.regex(/^[^\s@]+@[^\s@]+$/))),
    name: z.optional(z.string().check(z.minLength(1), z.maxLength(256))),
  }),
]);

export type PortalAction = z.output<typeof portalAction>;

/**
 * Runs the customer's action on the portal page.
 * @throws Refusal for an object of another customer, an unknown card, and 402 for a declined one.
 */
export function actOnPortal(
  scope: Scope,
  session: Stripe.BillingPortal.Session,
  action: PortalAction,
): object {
  const customer = scope.state.customers.get(session.customer, { param: 'customer' });
  switch (action.action) {
    case 'add_card':
      return addCard(scope, customer, action.card);
    case 'choose_card':
      makeDefault(scope, customer, methodOf(scope, customer, action.payment_method));
      return customer;
    case 'remove_card':
      detach(scope, methodOf(scope, customer, action.payment_method));
      return customer;
    case 'cancel_at_period_end':
      return cancelAtPeriodEnd(scope, subscriptionOf(scope, customer, action.subscription));
    case 'keep':
      return keep(scope, subscriptionOf(scope, customer, action.subscription));
    case 'cancel_now': {
      const subscription = subscriptionOf(scope, customer, action.subscription);
      return endSubscription(scope, subscription, 'cancellation_requested');
    }
    case 'update_customer':
      changeAndEmit(scope, 'customer.updated', customer, {
        ...(action.email !== undefined && { email: action.email }),
        ...(action.name !== undefined && { name: action.name }),
      });
      return customer;
    default:
      return action satisfies never;
  }
}

/** The portal itself authenticates the cardholder. The new card becomes the default. */
function addCard(scope: Scope, customer: Stripe.Customer, card: string): object {
  const name = cardIn(card);
  const setup = createSetup(scope, {
    customer: customer.id,
    description: null,
    metadata: {},
    usage: 'off_session',
    allowed: ['card'],
  });
  const method = createPaymentMethod(scope, name);
  confirmSetup(scope, setup, method, undefined);
  if (setup.status === 'requires_action') authenticateSetup(scope, setup, true);
  makeDefault(scope, customer, method);
  return customer;
}

function makeDefault(scope: Scope, customer: Stripe.Customer, method: Stripe.PaymentMethod): void {
  changeAndEmit(scope, 'customer.updated', customer, {
    invoice_settings: { ...customer.invoice_settings, default_payment_method: method.id },
  });
  const effect = scope.state.switches.portal_card_on_subscription;
  if (effect === 'kept') return;
  for (const subscription of scope.state.subscriptions.newestFirst) {
    if (subscription.customer !== customer.id || subscription.default_payment_method === null) continue;
    if (subscription.ended_at !== null) continue;
    changeAndEmit(scope, 'customer.subscription.updated', subscription, {
      default_payment_method: effect === 'replaced' ? method.id : null,
    });
  }
}

/** In flexible mode the portal sets the date and leaves the flag unchanged; in classic mode it sets both. */
function cancelAtPeriodEnd(scope: Scope, subscription: Stripe.Subscription): Stripe.Subscription {
  const end = Math.max(...subscription.items.data.map((item) => item.current_period_end));
  const classic = subscription.billing_mode.type === 'classic';
  changeAndEmit(scope, 'customer.subscription.updated', subscription, {
    cancel_at: end,
    ...(classic && { cancel_at_period_end: true }),
    canceled_at: scope.now,
    cancellation_details: detailsOf(subscription, 'cancellation_requested'),
  });
  return subscription;
}

function keep(scope: Scope, subscription: Stripe.Subscription): Stripe.Subscription {
  changeAndEmit(scope, 'customer.subscription.updated', subscription, {
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: detailsOf(subscription, null),
  });
  return subscription;
}

const detailsOf = (
  { cancellation_details: details }: Stripe.Subscription,
  reason: 'cancellation_requested' | null,
): Stripe.Subscription.CancellationDetails => ({
  comment: null,
  feedback: null,
  feedback_option: null,
  ...details,
  reason,
});

function methodOf(scope: Scope, customer: Stripe.Customer, id: string): Stripe.PaymentMethod {
  const method = scope.state.paymentMethods.get(id, { param: 'payment_method' });
  if (method.customer !== customer.id) throw invalid('This payment method belongs to another customer.');
  return method;
}

function subscriptionOf(scope: Scope, customer: Stripe.Customer, id: string): Stripe.Subscription {
  const subscription = scope.state.subscriptions.get(id, { param: 'subscription' });
  const own = idOf(subscription.customer) === customer.id;
  if (!own || subscription.ended_at !== null)
    throw invalid('The customer has no active subscription with this id.');
  return subscription;
}
