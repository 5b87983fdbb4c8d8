import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { addLines, buildInvoice, subscriptionLines } from '../billing/invoice-build.ts';
import { collect, finalizeInvoice } from '../billing/invoice-life.ts';
import { intentOf, paymentsOf } from '../billing/invoice-payments.ts';
import { periodEnd } from '../billing/periods.ts';
import { scheduleExpiry, schedulePeriodEnd } from '../billing/renewals.ts';
import { methodOf } from '../billing/subscription-status.ts';
import { refuseDeclined } from '../charging.ts';
import type { StoredEvent } from '../events.ts';
import { invalid, type Refusal } from '../http/errors.ts';
import { flag, type InputOf, integer, metadata, text } from '../http/parameters.ts';
import { mergeMetadata } from '../metadata.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';
import { customerIn } from './customer-lookup.ts';
import { buildSubscription } from './subscription-build.ts';

const DAY_SECONDS = 24 * 60 * 60;

/** What an attempted payment leaves behind even when the subscription it was for is not made. */
const OUTLIVES_REFUSAL = /^(payment_intent|charge|payment_method)\./;

const trialSettings = z.strictObject({
  end_behavior: z.strictObject({
    missing_payment_method: z.enum(
      ['cancel', 'create_invoice', 'pause'],
      'parameter_invalid: must be cancel, create_invoice or pause',
    ),
  }),
});

export const createParameters = {
  customer: text(),
  items: z.array(z.strictObject({ price: text(), quantity: z.optional(integer), metadata })),
  collection_method: z.optional(
    z.literal('charge_automatically', 'parameter_invalid: the double charges automatically only'),
  ),
  off_session: z.optional(flag),
  payment_behavior: z.optional(
    z.enum(
      ['allow_incomplete', 'default_incomplete', 'error_if_incomplete'],
      'parameter_invalid: is not for creating a subscription',
    ),
  ),
  payment_settings: z.optional(
    z.strictObject({
      save_default_payment_method: z.optional(
        z.enum(['off', 'on_subscription'], 'parameter_invalid: must be off or on_subscription'),
      ),
    }),
  ),
  default_payment_method: z.optional(text()),
  description: z.optional(text(500)),
  trial_period_days: z.optional(integer),
  trial_settings: z.optional(trialSettings),
  metadata,
};

export function createSubscription(
  scope: Scope,
  input: InputOf<typeof createParameters>,
): Stripe.Subscription {
  const customer = customerIn(scope, input.customer, { param: 'customer' });
  const items = itemsOf(scope, input.items);
  const subscription = draftOf(scope, input, customer, items);
  const behavior = input.payment_behavior ?? 'allow_incomplete';
  const method = methodOf(scope, subscription, customer.id);
  const free = subscription.trial_end !== null;
  const owed = free
    ? 0
    : items.reduce((sum, { price, quantity }) => sum + (price.unit_amount ?? 0) * quantity, 0);
  if (owed + customer.balance > 0 && method === undefined && behavior !== 'default_incomplete') {
    throw invalid('This customer has no default payment method: attach one and make it the default first.', {
      code: 'resource_missing',
    });
  }

  const refusal = scope.events.holding(
    () => {
      const before = {
        balance: customer.balance,
        currency: customer.currency,
        sequence: customer.next_invoice_sequence ?? 1,
      };
      const invoice = firstInvoice(scope, subscription, customer, free);
      const declined = payFirst(scope, subscription, invoice, {
        method,
        behavior,
        offSession: input.off_session ?? false,
      });
      if (declined !== null) {
        undo(scope, invoice, customer, before);
        return declined;
      }
      scope.state.subscriptions.add(subscription);
      if (customer.currency === null)
        changeAndEmit(scope, 'customer.updated', customer, { currency: subscription.currency });
      emit(scope, 'customer.subscription.created', subscription);
      return null;
    },
    (events, declined) => told(scope, events, declined),
  );
  if (refusal !== null) throw refusal;

  schedulePeriodEnd(scope, subscription);
  if (subscription.status === 'incomplete') scheduleExpiry(scope, subscription);
  return subscription;
}

/** Of a subscription that was refused, only the payment is told; of one that is there, its creation comes first. */
function told(
  { state }: Scope,
  events: readonly StoredEvent[],
  refusal: Refusal | null,
): readonly StoredEvent[] {
  if (refusal !== null) {
    switch (state.switches.declined_subscription_events) {
      case 'all':
        return events;
      case 'none':
        return [];
      case 'payment':
        return events.filter(({ type }) => OUTLIVES_REFUSAL.test(type));
      default:
        return state.switches.declined_subscription_events satisfies never;
    }
  }
  const created = (event: StoredEvent) => event.type === 'customer.subscription.created';
  return [...events.filter(created), ...events.filter((event) => !created(event))];
}

type Item = { readonly price: Stripe.Price; readonly quantity: number; readonly metadata: Stripe.Metadata };

function itemsOf(scope: Scope, items: InputOf<typeof createParameters>['items']): Item[] {
  if (items.length === 0)
    throw invalid('Missing required param: items.', { code: 'parameter_missing', param: 'items' });
  const found = items.map(({ price: id, quantity = 1, metadata }, i): Item => {
    const param = `items[${i}][price]`;
    const price = scope.state.prices.get(id, { param });
    if (!price.active)
      throw invalid('The price specified is inactive. This field only accepts active prices.', { param });
    if (price.recurring === null) {
      throw invalid(
        `The price specified is set to type=one_time but this field only accepts type=recurring.`,
        { param },
      );
    }
    return { price, quantity, metadata: mergeMetadata({}, metadata) };
  });
  const kinds = new Set(found.map(({ price }) => `${price.currency} ${JSON.stringify(price.recurring)}`));
  if (kinds.size > 1)
    throw invalid('Items of one subscription share currency and interval.', { param: 'items' });
  return found;
}

function draftOf(
  scope: Scope,
  input: InputOf<typeof createParameters>,
  customer: Stripe.Customer,
  items: readonly Item[],
): Stripe.Subscription {
  const param = 'default_payment_method';
  const methodId = input.default_payment_method ?? null;
  if (methodId !== null && scope.state.paymentMethods.get(methodId, { param }).customer !== customer.id) {
    throw invalid(`The customer does not have a payment method with the ID ${methodId}.`, {
      code: 'resource_missing',
      param,
    });
  }
  const recurring = items[0]?.price.recurring;
  if (recurring === undefined || recurring === null) throw new Error('an item without an interval');
  const days = input.trial_period_days;
  const trialEnd = days === undefined ? null : scope.now + days * DAY_SECONDS;
  return buildSubscription(scope, {
    customer,
    items,
    period: { start: scope.now, end: trialEnd ?? periodEnd(scope.now, scope.now, recurring) },
    trialEnd,
    missingMethod: input.trial_settings?.end_behavior.missing_payment_method ?? 'create_invoice',
    defaultMethod: methodId,
    description: input.description ?? null,
    metadata: mergeMetadata({}, input.metadata),
    saveDefaultMethod: input.payment_settings?.save_default_payment_method ?? 'off',
  });
}

function firstInvoice(
  scope: Scope,
  subscription: Stripe.Subscription,
  customer: Stripe.Customer,
  free: boolean,
): Stripe.Invoice {
  const [item] = subscription.items.data;
  if (item === undefined) throw new Error('a subscription without items');
  const invoice = buildInvoice(scope, {
    customer,
    subscription,
    reason: 'subscription_create',
    currency: subscription.currency,
    // The first invoice looks back on nothing; its lines say what they pay for.
    period: { start: scope.now, end: scope.now },
    description: null,
    metadata: {},
  });
  const period = { start: item.current_period_start, end: item.current_period_end };
  addLines(scope, invoice, subscriptionLines(subscription, period, free));
  scope.state.invoices.add(invoice);
  subscription.latest_invoice = invoice.id;
  emit(scope, 'invoice.created', invoice);
  finalizeInvoice(scope, invoice);
  return invoice;
}

interface FirstPayment {
  readonly method: Stripe.PaymentMethod | undefined;
  readonly behavior: 'allow_incomplete' | 'default_incomplete' | 'error_if_incomplete';
  readonly offSession: boolean;
}

/** Pays within the request. Answers the refusal, where the caller wants none rather than an incomplete one. */
function payFirst(
  scope: Scope,
  subscription: Stripe.Subscription,
  invoice: Stripe.Invoice,
  { method, behavior, offSession }: FirstPayment,
): Refusal | null {
  if (invoice.status === 'open' && behavior !== 'default_incomplete') {
    const refuseAction = behavior === 'error_if_incomplete';
    const outcome = collect(scope, invoice, { method, offSession, refuseAction, retryAt: null });
    if (outcome.kind === 'declined' && refuseAction)
      return refuseDeclined(intentOf(scope, invoice), outcome.error);
    if (
      outcome.kind === 'succeeded' &&
      subscription.payment_settings?.save_default_payment_method === 'on_subscription'
    ) {
      subscription.default_payment_method = method?.id ?? null;
    }
  }
  if (invoice.status === 'paid' && subscription.status === 'incomplete') subscription.status = 'active';
  return null;
}

/** As if it had never been asked for: only the payment that was tried remains, and cannot be paid later. */
function undo(
  scope: Scope,
  invoice: Stripe.Invoice,
  customer: Stripe.Customer,
  before: {
    readonly balance: number;
    readonly currency: string | null | undefined;
    readonly sequence: number;
  },
): void {
  const intent = intentOf(scope, invoice);
  for (const payment of paymentsOf(scope, invoice.id)) scope.state.invoicePayments.delete(payment.id);
  for (const entry of scope.state.balanceEntries.newestFirst) {
    if (entry.invoice === invoice.id) scope.state.balanceEntries.delete(entry.id);
  }
  scope.state.invoices.delete(invoice.id);
  customer.balance = before.balance;
  customer.currency = before.currency ?? null;
  customer.next_invoice_sequence = before.sequence;
  intent.status = 'canceled';
  intent.canceled_at = scope.now;
  intent.cancellation_reason = 'void_invoice';
  emit(scope, 'payment_intent.canceled', intent);
}
