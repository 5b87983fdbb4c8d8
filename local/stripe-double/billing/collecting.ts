import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import { endSubscription } from '../resources/subscription-end.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';
import { collect, finalizeInvoice, markUncollectible, voidInvoice } from './invoice-life.ts';
import { methodOf, pauseSubscription, subscriptionOf } from './subscription-status.ts';

const DAY_SECONDS = 24 * 60 * 60;

/** Finalizes a draft and collects it, unless collection is paused on its subscription. */
export function advance(scope: Scope, invoice: Stripe.Invoice): void {
  if (invoice.status !== 'draft' || !invoice.auto_advance) return;
  finalizeInvoice(scope, invoice);
  if (invoice.status !== 'open') return;
  switch (subscriptionOf(scope, invoice)?.pause_collection?.behavior) {
    case 'void':
      voidInvoice(scope, invoice);
      break;
    case 'mark_uncollectible':
      markUncollectible(scope, invoice, 'subscription_paused');
      break;
    default:
      if (invoice.collection_method === 'send_invoice') sendInvoice(scope, invoice);
      else tryToCollect(scope, invoice);
  }
}

/** Emits `invoice.sent`. If the invoice is unpaid on its due date, its subscription becomes past due. */
export function sendInvoice(scope: Scope, invoice: Stripe.Invoice): void {
  emit(scope, 'invoice.sent', invoice);
  const due = invoice.due_date;
  if (due === null || due <= scope.now) return;
  scope.schedule.at(due, `${invoice.id} is due`, (later) => {
    // An invoice may be sent again.
    if (invoice.status !== 'open' || later.state.overdue.has(invoice.id)) return;
    later.state.overdue.add(invoice.id);
    emit(later, 'invoice.overdue', invoice);
    const subscription = subscriptionOf(later, invoice);
    if (subscription?.status !== 'active') return;
    changeAndEmit(later, 'customer.subscription.updated', subscription, { status: 'past_due' });
  });
}

/** Charges an open invoice. After a failure, retries later until the retries are used up. */
export function tryToCollect(scope: Scope, invoice: Stripe.Invoice): void {
  if (invoice.status !== 'open' || !invoice.auto_advance) return;
  if (invoice.collection_method === 'send_invoice') return;
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
  if (end === 'paused') pauseSubscription(scope, subscription, 'final_payment_failure');
}
