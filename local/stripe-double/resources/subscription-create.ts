import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { discountsOf, discountsParameter } from '../billing/discounts.ts';
import { addLines, buildInvoice, type NewLine, subscriptionLines } from '../billing/invoice-build.ts';
import { collect, finalizeInvoice } from '../billing/invoice-life.ts';
import { intentOf, paymentsOf } from '../billing/invoice-payments.ts';
import { pendingItems, subscriptionOfItem, takePendingLines } from '../billing/pending-items.ts';
import { periodEnd, periodOf, periodStart } from '../billing/periods.ts';
import { share } from '../billing/prorations.ts';
import { scheduleExpiry, scheduleFinalization, schedulePeriodEnd } from '../billing/renewals.ts';
import type { ProrationBehavior } from '../billing/subscription-change.ts';
import { methodOf } from '../billing/subscription-status.ts';
import { scheduleTrialNotice } from '../billing/trials.ts';
import { refuseDeclined } from '../charging.ts';
import type { StoredEvent } from '../events.ts';
import { invalid, type Refusal } from '../http/errors.ts';
import { flag, type InputOf, integer, metadata, text } from '../http/parameters.ts';
import { mergeMetadata } from '../metadata.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';
import { addInvoiceItems, feesOf, invoiceItems } from './add-invoice-items.ts';
import { customerIn } from './customer-lookup.ts';
import { buildSubscription, type NewSubscriptionItem } from './subscription-build.ts';
import { assertTogether, recurringPrice } from './subscription-item-changes.ts';
import { collection, collectionChange, prorationBehavior } from './subscription-update.ts';

const DAY_SECONDS = 24 * 60 * 60;

/** Events of an attempted payment, which stay even if the subscription is not created. */
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
  ...collection,
  add_invoice_items: invoiceItems,
  billing_cycle_anchor: z.optional(integer),
  discounts: discountsParameter,
  proration_behavior: prorationBehavior,
  trial_end: z.optional(z.union([z.literal('now'), integer])),
  off_session: z.optional(flag),
  payment_behavior: z.optional(
    z.enum(
      ['allow_incomplete', 'default_incomplete', 'error_if_incomplete'],
      'parameter_invalid: cannot be used to create a subscription',
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
  subscription.discounts = discountsOf(scope, input.discounts ?? [], {
    customer: customer.id,
    subscription: subscription.id,
    invoice: null,
  });
  const behavior = input.payment_behavior ?? 'allow_incomplete';
  const method = methodOf(scope, subscription, customer.id);
  const free = subscription.trial_end !== null;
  const lines = firstLines(subscription, free, input.proration_behavior ?? 'create_prorations');
  const fees = input.add_invoice_items ?? [];
  const waiting = pendingItems(scope, customer.id, null).reduce((sum, { amount }) => sum + amount, 0);
  const owed = lines.reduce((sum, { amount }) => sum + amount, 0) + feesOf(scope, fees) + waiting;
  const charges = subscription.collection_method === 'charge_automatically';
  if (charges && owed + customer.balance > 0 && method === undefined && behavior !== 'default_incomplete') {
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
      const invoice = firstInvoice(scope, subscription, customer, { lines, fees });
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
    (events, declined) => sentEvents(scope, events, declined),
  );
  if (refusal !== null) throw refusal;

  schedulePeriodEnd(scope, subscription);
  scheduleTrialNotice(scope, subscription);
  if (subscription.status === 'incomplete') scheduleExpiry(scope, subscription);
  return subscription;
}

/**
 * For a refused subscription, only the payment's events by default. For a created one, its creation comes
 * first.
 */
function sentEvents(
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

function itemsOf(scope: Scope, items: InputOf<typeof createParameters>['items']): NewSubscriptionItem[] {
  if (items.length === 0)
    throw invalid('Missing required param: items.', { code: 'parameter_missing', param: 'items' });
  const found = items.map(({ price: id, quantity = 1, metadata }, i) => ({
    price: recurringPrice(scope, id, `items[${i}][price]`),
    quantity,
    metadata: mergeMetadata({}, metadata),
  }));
  assertTogether(found.map(({ price }) => price));
  return found;
}

function draftOf(
  scope: Scope,
  input: InputOf<typeof createParameters>,
  customer: Stripe.Customer,
  items: readonly NewSubscriptionItem[],
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
  const trialEnd = trialEndOf(scope, input);
  const anchor = anchorOf(scope, input.billing_cycle_anchor, recurring);
  return buildSubscription(scope, {
    customer,
    items,
    anchor: trialEnd ?? anchor ?? scope.now,
    collection: collectionChange(input),
    period: { start: scope.now, end: trialEnd ?? anchor ?? periodEnd(scope.now, scope.now, recurring) },
    trialEnd,
    missingMethod: input.trial_settings?.end_behavior.missing_payment_method ?? 'create_invoice',
    defaultMethod: methodId,
    description: input.description ?? null,
    metadata: mergeMetadata({}, input.metadata),
    saveDefaultMethod: input.payment_settings?.save_default_payment_method ?? 'off',
  });
}

function trialEndOf(
  scope: Scope,
  { trial_period_days: days, trial_end: end }: InputOf<typeof createParameters>,
): number | null {
  if (days !== undefined && end !== undefined) {
    throw invalid('trial_end and trial_period_days exclude each other.', { param: 'trial_end' });
  }
  if (typeof end === 'number' && end <= scope.now) {
    throw invalid('trial_end must be in the future.', { param: 'trial_end' });
  }
  if (typeof end === 'number') return end;
  return days === undefined ? null : scope.now + days * DAY_SECONDS;
}

/** @throws Refusal for an anchor more than one period away. */
function anchorOf(
  scope: Scope,
  anchor: number | undefined,
  recurring: Stripe.Price.Recurring,
): number | null {
  if (anchor === undefined) return null;
  if (anchor > scope.now && anchor <= periodEnd(scope.now, scope.now, recurring)) return anchor;
  throw invalid('billing_cycle_anchor must be in the future, and at most one period away.', {
    param: 'billing_cycle_anchor',
  });
}

/** A first period shortened by an anchor costs its share, or nothing with `none`. */
function firstLines(
  subscription: Stripe.Subscription,
  free: boolean,
  behavior: ProrationBehavior,
): NewLine[] {
  const period = periodOf(subscription);
  const lines = subscriptionLines(subscription, period, free);
  const recurring = subscription.items.data[0]?.price.recurring;
  const anchored = subscription.billing_cycle_anchor === period.end && !free;
  if (!anchored || recurring === undefined || recurring === null) return lines;
  const whole = { start: periodStart(period.end, recurring), end: period.end };
  if (whole.start >= period.start) return lines;
  const part = behavior === 'none' ? 0 : share(whole, period.start);
  return lines.map((line) => prorated(line, part));
}

function prorated(line: NewLine, part: number): NewLine {
  const details = line.parent?.subscription_item_details;
  if (line.parent === null || details === undefined || details === null) return line;
  return {
    ...line,
    amount: Math.round(line.amount * part),
    parent: { ...line.parent, subscription_item_details: { ...details, proration: true } },
  };
}

function firstInvoice(
  scope: Scope,
  subscription: Stripe.Subscription,
  customer: Stripe.Customer,
  { lines, fees }: { readonly lines: readonly NewLine[]; readonly fees: Fees },
): Stripe.Invoice {
  const invoice = buildInvoice(scope, {
    customer,
    subscription,
    reason: 'subscription_create',
    currency: subscription.currency,
    // The first invoice has no past period; its lines have the periods that they pay for.
    period: { start: scope.now, end: scope.now },
    description: null,
    metadata: {},
  });
  addInvoiceItems(scope, subscription, fees);
  addLines(scope, invoice, [...takePendingLines(scope, invoice), ...lines]);
  scope.state.invoices.add(invoice);
  subscription.latest_invoice = invoice.id;
  emit(scope, 'invoice.created', invoice);
  // A sent invoice stays a draft for an hour, like a renewal's.
  if (invoice.collection_method === 'charge_automatically') finalizeInvoice(scope, invoice);
  else scheduleFinalization(scope, invoice);
  return invoice;
}

type Fees = NonNullable<InputOf<typeof createParameters>['add_invoice_items']>;

interface FirstPayment {
  readonly method: Stripe.PaymentMethod | undefined;
  readonly behavior: 'allow_incomplete' | 'default_incomplete' | 'error_if_incomplete';
  readonly offSession: boolean;
}

/** Pays within the request. Returns the refusal if the caller does not accept an incomplete subscription. */
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
  const sent = subscription.collection_method === 'send_invoice';
  if ((invoice.status === 'paid' || sent) && subscription.status === 'incomplete')
    subscription.status = 'active';
  return null;
}

/** Removes every trace except the tried payment, which can no longer be paid. */
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
  for (const item of scope.state.invoiceItems.newestFirst) {
    if (item.invoice !== invoice.id) continue;
    if (subscriptionOfItem(item) === null) item.invoice = null;
    else scope.state.invoiceItems.delete(item.id);
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
