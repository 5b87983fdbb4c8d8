import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import { endSubscription } from '../resources/subscription-end.ts';
import { change, changeAndEmit, emit, type Scope } from '../scope.ts';
import { addLines, buildInvoice, subscriptionLines } from './invoice-build.ts';
import { collect, finalizeInvoice, voidInvoice } from './invoice-life.ts';
import { periodEnd } from './periods.ts';
import { methodOf, subscriptionOf } from './subscription-status.ts';

const HOUR_SECONDS = 60 * 60;
const DAY_SECONDS = 24 * HOUR_SECONDS;
/** How long a renewal's invoice stays a draft that its owner could still change. */
const DRAFT_SECONDS = HOUR_SECONDS;
const INCOMPLETE_SECONDS = 23 * HOUR_SECONDS;
const DOES_NOT_RENEW = ['canceled', 'incomplete', 'incomplete_expired', 'paused'];

/** Told apart by its end: a period that was cut short leaves a task that finds nothing to do. */
export function schedulePeriodEnd(scope: Scope, subscription: Stripe.Subscription): void {
  const end = periodOf(subscription).end;
  scope.schedule.at(end, `the period of ${subscription.id} ends`, (later) => {
    if (subscription.ended_at === null && periodOf(subscription).end === end) endPeriod(later, subscription);
  });
}

export function scheduleCancellation(scope: Scope, subscription: Stripe.Subscription, at: number): void {
  scope.schedule.at(at, `${subscription.id} is canceled`, (later) => {
    if (subscription.ended_at === null && subscription.cancel_at === at) {
      endSubscription(later, subscription, 'cancellation_requested');
    }
  });
}

/** A first invoice that nobody paid within a day is not waited for any longer. */
export function scheduleExpiry(scope: Scope, subscription: Stripe.Subscription): void {
  scope.schedule.at(scope.now + INCOMPLETE_SECONDS, `${subscription.id} expires`, (later) => {
    if (subscription.status !== 'incomplete') return;
    const invoice = later.state.invoices.find(idOf(subscription.latest_invoice));
    if (invoice?.status === 'open') voidInvoice(later, invoice);
    changeAndEmit(later, 'customer.subscription.updated', subscription, {
      status: 'incomplete_expired',
      ended_at: later.now,
    });
  });
}

export function periodOf(subscription: Stripe.Subscription): Stripe.InvoiceLineItem.Period {
  const [item] = subscription.items.data;
  if (item === undefined) throw new Error(`${subscription.id} has no items`);
  return { start: item.current_period_start, end: item.current_period_end };
}

function endPeriod(scope: Scope, subscription: Stripe.Subscription): void {
  const dueToEnd = subscription.cancel_at !== null && subscription.cancel_at <= scope.now;
  if (dueToEnd || subscription.cancel_at_period_end) {
    endSubscription(scope, subscription, 'cancellation_requested');
    return;
  }
  if (DOES_NOT_RENEW.includes(subscription.status)) return;
  if (subscription.status === 'trialing') {
    endTrial(scope, subscription);
    return;
  }
  renew(scope, subscription);
}

/** What a trial becomes where there is nothing to charge is a setting of the subscription. */
export function endTrial(scope: Scope, subscription: Stripe.Subscription): void {
  const method = methodOf(scope, subscription, idOf(subscription.customer));
  const otherwise = subscription.trial_settings?.end_behavior.missing_payment_method;
  if (method === undefined && otherwise === 'pause') {
    changeAndEmit(scope, 'customer.subscription.updated', subscription, {
      status: 'paused',
      trial_end: scope.now,
    });
    emit(scope, 'customer.subscription.paused', subscription);
    return;
  }
  if (method === undefined && otherwise === 'cancel') {
    endSubscription(scope, subscription, null);
    return;
  }
  change(subscription, { trial_end: scope.now, billing_cycle_anchor: scope.now, status: 'active' });
  renew(scope, subscription, scope.state.switches.trial_end_billing_reason);
}

/** The next period, and the draft of the invoice for it. */
export function renew(
  scope: Scope,
  subscription: Stripe.Subscription,
  reason: 'subscription_cycle' | 'subscription_update' = 'subscription_cycle',
): Stripe.Invoice {
  const customer = scope.state.customers.known(idOf(subscription.customer) ?? '');
  const past = periodOf(subscription);
  const period = nextPeriod(scope, subscription);
  const invoice = buildInvoice(scope, {
    customer,
    subscription,
    reason,
    currency: subscription.currency,
    // The invoice looks back on the period that ended; its lines look ahead.
    period: { start: past.start, end: scope.now },
    description: null,
    metadata: {},
  });
  addLines(scope, invoice, subscriptionLines(subscription, period, false));
  scope.state.invoices.add(invoice);
  // Nothing is charged any more for a subscription whose owner gave up on its debt.
  invoice.auto_advance = subscription.status !== 'unpaid';
  invoice.automatically_finalizes_at = invoice.auto_advance ? scope.now + DRAFT_SECONDS : null;
  emit(scope, 'invoice.created', invoice);
  changeAndEmit(scope, 'customer.subscription.updated', subscription, {
    items: movedTo(subscription.items, period),
    latest_invoice: invoice.id,
  });
  scope.schedule.at(scope.now + DRAFT_SECONDS, `${invoice.id} is finalized`, (later) =>
    advance(later, invoice),
  );
  schedulePeriodEnd(scope, subscription);
  return invoice;
}

function nextPeriod(scope: Scope, subscription: Stripe.Subscription): Stripe.InvoiceLineItem.Period {
  const recurring = subscription.items.data[0]?.price.recurring;
  if (recurring === undefined || recurring === null) throw new Error(`${subscription.id} has no interval`);
  return { start: scope.now, end: periodEnd(subscription.billing_cycle_anchor, scope.now, recurring) };
}

/** New items, so that what an event or an answer showed before stays as it was. */
const movedTo = (
  items: Stripe.Subscription['items'],
  { start, end }: Stripe.InvoiceLineItem.Period,
): Stripe.Subscription['items'] => ({
  ...items,
  data: items.data.map((item) => ({ ...item, current_period_start: start, current_period_end: end })),
});

function advance(scope: Scope, invoice: Stripe.Invoice): void {
  if (invoice.status !== 'draft' || !invoice.auto_advance) return;
  finalizeInvoice(scope, invoice);
  tryToCollect(scope, invoice);
}

/** Charges what is open, and when that fails, tries again later, until it gives up. */
export function tryToCollect(scope: Scope, invoice: Stripe.Invoice): void {
  if (invoice.status !== 'open' || !invoice.auto_advance) return;
  const { retryAfterDays, finally: end } = scope.state.dunning;
  const wait = retryAfterDays[invoice.attempt_count];
  const retryAt = wait === undefined ? null : scope.now + wait * DAY_SECONDS;
  const subscription = subscriptionOf(scope, invoice);
  const method = methodOf(scope, subscription, idOf(invoice.customer));
  const outcome = collect(scope, invoice, { method, offSession: true, refuseAction: false, retryAt });
  if (outcome.kind === 'succeeded') return;
  if (subscription?.status === 'active') {
    changeAndEmit(scope, 'customer.subscription.updated', subscription, { status: 'past_due' });
  }
  if (retryAt !== null) {
    scope.schedule.at(retryAt, `${invoice.id} is tried again`, (later) => tryToCollect(later, invoice));
    return;
  }
  if (subscription === undefined || subscription.ended_at !== null) return;
  if (end === 'canceled') endSubscription(scope, subscription, 'payment_failed');
  if (end === 'unpaid')
    changeAndEmit(scope, 'customer.subscription.updated', subscription, { status: 'unpaid' });
}
