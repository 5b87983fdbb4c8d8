import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';
import { advance } from './collecting.ts';
import { addLines, buildInvoice, type NewLine } from './invoice-build.ts';
import { pendingItems, subscriptionOfItem, takePendingLines } from './pending-items.ts';
import { periodOf } from './periods.ts';

interface Draft {
  readonly reason: Stripe.Invoice.BillingReason;
  /** What the invoice looks back on. */
  readonly period: Stripe.InvoiceLineItem.Period;
  readonly lines: readonly NewLine[];
  /** What else changes with the subscription, in the same event. */
  readonly changes?: Partial<Stripe.Subscription>;
}

/** A draft for a subscription, with everything that was waiting for its next invoice. */
export function draftInvoice(
  scope: Scope,
  subscription: Stripe.Subscription,
  { reason, period, lines, changes = {} }: Draft,
): Stripe.Invoice {
  const invoice = buildInvoice(scope, {
    customer: scope.state.customers.known(idOf(subscription.customer) ?? ''),
    subscription,
    reason,
    currency: subscription.currency,
    period,
    description: null,
    metadata: {},
  });
  addLines(scope, invoice, [...takePendingLines(scope, invoice), ...lines]);
  scope.state.invoices.add(invoice);
  // Nothing is charged any more for a subscription whose owner gave up on its debt.
  invoice.auto_advance =
    subscription.status !== 'unpaid' && subscription.pause_collection?.behavior !== 'keep_as_draft';
  emit(scope, 'invoice.created', invoice);
  changeAndEmit(scope, 'customer.subscription.updated', subscription, {
    ...changes,
    latest_invoice: invoice.id,
  });
  return invoice;
}

/** An invoice at once of what is waiting for the subscription, with further `changes` to it. */
export function invoiceNow(
  scope: Scope,
  subscription: Stripe.Subscription,
  reason: Stripe.Invoice.BillingReason,
  changes: Partial<Stripe.Subscription> = {},
): Stripe.Invoice {
  const invoice = draftInvoice(scope, subscription, {
    reason,
    period: { start: periodOf(subscription).start, end: scope.now },
    lines: [],
    changes,
  });
  advance(scope, invoice);
  return invoice;
}

/** A subscription that ends is billed for, or credited with, what still waits for it. */
export function invoiceLast(scope: Scope, subscription: Stripe.Subscription): void {
  const waiting = pendingItems(scope, idOf(subscription.customer) ?? '', subscription.id);
  if (!waiting.some((item) => subscriptionOfItem(item) === subscription.id)) return;
  invoiceNow(scope, subscription, scope.state.switches.cancel_billing_reason);
}
