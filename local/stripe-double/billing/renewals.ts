import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import { endSubscription } from '../resources/subscription-end.ts';
import { change, changeAndEmit, type Scope } from '../scope.ts';
import { advance } from './collecting.ts';
import { subscriptionLines } from './invoice-build.ts';
import { voidInvoice } from './invoice-life.ts';
import { periodEnd, periodOf } from './periods.ts';
import { draftInvoice, invoiceLast } from './subscription-invoices.ts';
import { methodOf, pauseSubscription } from './subscription-status.ts';

const HOUR_SECONDS = 60 * 60;
/** How long a renewal's invoice stays a draft that the merchant can change. */
const DRAFT_SECONDS = HOUR_SECONDS;
const INCOMPLETE_SECONDS = 23 * HOUR_SECONDS;
const DOES_NOT_RENEW = ['canceled', 'incomplete', 'incomplete_expired', 'paused'];

/** Identified by its end: after a shortened period, the old task finds nothing to do. */
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

/** A first invoice that is unpaid after a day expires. */
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

function endPeriod(scope: Scope, subscription: Stripe.Subscription): void {
  const dueToEnd = subscription.cancel_at !== null && subscription.cancel_at <= scope.now;
  if (dueToEnd || subscription.cancel_at_period_end) {
    invoiceLast(scope, subscription);
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

/** A setting of the subscription decides what a trial becomes without a payment method. */
export function endTrial(
  scope: Scope,
  subscription: Stripe.Subscription,
  finalize: 'at_once' | 'later' = 'later',
): void {
  const method = methodOf(scope, subscription, idOf(subscription.customer));
  const otherwise = subscription.trial_settings?.end_behavior.missing_payment_method;
  if (method === undefined && otherwise === 'pause') {
    change(subscription, { trial_end: scope.now });
    pauseSubscription(scope, subscription, 'trial_end_without_payment_method');
    return;
  }
  if (method === undefined && otherwise === 'cancel') {
    endSubscription(scope, subscription, null);
    return;
  }
  change(subscription, { trial_end: scope.now, billing_cycle_anchor: scope.now, status: 'active' });
  const invoice = renew(scope, subscription, scope.state.switches.trial_end_billing_reason);
  if (finalize === 'at_once') advance(scope, invoice);
}

/** Starts the next period, and drafts its invoice. */
export function renew(
  scope: Scope,
  subscription: Stripe.Subscription,
  reason: 'subscription_cycle' | 'subscription_update' = 'subscription_cycle',
): Stripe.Invoice {
  const past = periodOf(subscription);
  const period = nextPeriod(scope, subscription);
  const invoice = draftInvoice(scope, subscription, {
    reason,
    // The invoice covers the past period; its lines cover the next one.
    period: { start: past.start, end: scope.now },
    lines: subscriptionLines(subscription, period, false),
    changes: { items: movedTo(subscription.items, period) },
  });
  scheduleFinalization(scope, invoice);
  schedulePeriodEnd(scope, subscription);
  return invoice;
}

/** A draft can be changed for an hour before it is finalized. */
export function scheduleFinalization(scope: Scope, invoice: Stripe.Invoice): void {
  const at = scope.now + DRAFT_SECONDS;
  invoice.automatically_finalizes_at = invoice.auto_advance ? at : null;
  scope.schedule.at(at, `${invoice.id} is finalized`, (later) => advance(later, invoice));
}

function nextPeriod(scope: Scope, subscription: Stripe.Subscription): Stripe.InvoiceLineItem.Period {
  const recurring = subscription.items.data[0]?.price.recurring;
  if (recurring === undefined || recurring === null) throw new Error(`${subscription.id} has no interval`);
  return { start: scope.now, end: periodEnd(subscription.billing_cycle_anchor, scope.now, recurring) };
}

/** New items, so that earlier events and answers stay unchanged. */
export const movedTo = (
  items: Stripe.Subscription['items'],
  { start, end }: Stripe.InvoiceLineItem.Period,
): Stripe.Subscription['items'] => ({
  ...items,
  data: items.data.map((item) => ({ ...item, current_period_start: start, current_period_end: end })),
});
