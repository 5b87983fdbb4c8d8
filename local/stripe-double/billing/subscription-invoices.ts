import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';
import { advance } from './collecting.ts';
import { addLines, buildInvoice, type NewLine } from './invoice-build.ts';
import { pendingItems, subscriptionOfItem, takePendingLines } from './pending-items.ts';
import { periodOf } from './periods.ts';

interface Draft {
  readonly reason: Stripe.Invoice.BillingReason;
  /** The past period of the invoice. */
  readonly period: Stripe.InvoiceLineItem.Period;
  readonly lines: readonly NewLine[];
  /** Other changes of the subscription in the same event. */
  readonly changes?: Partial<Stripe.Subscription>;
}

/** A draft for a subscription, with all items pending for its next invoice. */
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
  // An unpaid subscription is no longer charged.
  invoice.auto_advance =
    subscription.status !== 'unpaid' && subscription.pause_collection?.behavior !== 'keep_as_draft';
  emit(scope, 'invoice.created', invoice);
  changeAndEmit(scope, 'customer.subscription.updated', subscription, {
    ...changes,
    latest_invoice: invoice.id,
  });
  return invoice;
}

/** Invoices a subscription's pending items at once, with further `changes` to the subscription. */
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

/** Invoices the items that are still pending for a subscription that ends. */
export function invoiceLast(scope: Scope, subscription: Stripe.Subscription): void {
  const waiting = pendingItems(scope, idOf(subscription.customer) ?? '', subscription.id);
  if (!waiting.some((item) => subscriptionOfItem(item) === subscription.id)) return;
  invoiceNow(scope, subscription, scope.state.switches.cancel_billing_reason);
}
