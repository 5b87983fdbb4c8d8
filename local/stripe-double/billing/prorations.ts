import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import type { Scope } from '../scope.ts';
import { netOf } from './line-prices.ts';
import { addPendingItem, pendingItems } from './pending-items.ts';

type Item = Stripe.SubscriptionItem;

/** The amount billed for an item at a moment: an invoice line or a pending item. */
interface Billed {
  /** In cents, after discounts. */
  readonly amount: number;
  readonly period: Stripe.InvoiceLineItem.Period;
  readonly credited: Stripe.InvoiceItem.ProrationDetails.CreditedItems;
}

/**
 * Credits the billed amount of an item that is unused after `at`. Without a billed amount there is no credit.
 */
export function creditUnused(scope: Scope, subscription: Stripe.Subscription, item: Item, at: number): void {
  const billed = billedFor(scope, subscription, item.id, at);
  if (billed === null) return;
  addPendingItem(scope, {
    ...common(subscription, item),
    amount: -Math.round(billed.amount * share(billed.period, at)),
    description: `Unused time on ${nameOf(item.price)}`,
    period: { start: at, end: billed.period.end },
    proration: { credited: billed.credited },
  });
}

/** Charges for an item from `at` to the end of its period. */
export function chargeRest(scope: Scope, subscription: Stripe.Subscription, item: Item, at: number): void {
  const period = { start: item.current_period_start, end: item.current_period_end };
  addPendingItem(scope, {
    ...common(subscription, item),
    amount: Math.round((item.price.unit_amount ?? 0) * (item.quantity ?? 1) * share(period, at)),
    description: `Remaining time on ${nameOf(item.price)}`,
    period: { start: at, end: period.end },
    proration: { credited: null },
  });
}

const nameOf = (price: Stripe.Price): string => price.nickname ?? price.id;

const common = (subscription: Stripe.Subscription, item: Item) => ({
  customer: idOf(subscription.customer) ?? '',
  currency: subscription.currency,
  price: item.price,
  quantity: item.quantity ?? 1,
  subscription: subscription.id,
  subscriptionItem: item.id,
});

/** The share of a period that is left at `at`. */
export function share({ start, end }: Stripe.InvoiceLineItem.Period, at: number): number {
  return end <= start ? 0 : Math.min(Math.max((end - at) / (end - start), 0), 1);
}

/** The newest charge for an item that covers `at`. Pending items are newer than invoice lines. */
function billedFor(
  scope: Scope,
  subscription: Stripe.Subscription,
  itemId: string,
  at: number,
): Billed | null {
  return waiting(scope, subscription, itemId, at) ?? invoiced(scope, subscription, itemId, at);
}

const covers = ({ start, end }: Stripe.InvoiceLineItem.Period, at: number): boolean =>
  start <= at && at < end;

function waiting(scope: Scope, subscription: Stripe.Subscription, itemId: string, at: number): Billed | null {
  const found = pendingItems(scope, idOf(subscription.customer) ?? '', subscription.id).findLast(
    ({ parent, amount, period }) =>
      parent?.subscription_details?.subscription_item === itemId && amount > 0 && covers(period, at),
  );
  if (found === undefined) return null;
  const { id, amount, period } = found;
  return { amount, period, credited: { type: 'invoice_item', invoice_item: id } };
}

function invoiced(
  { state }: Scope,
  subscription: Stripe.Subscription,
  itemId: string,
  at: number,
): Billed | null {
  for (const invoice of state.invoices.newestFirst) {
    if (invoice.status === 'void' || invoice.customer !== subscription.customer) continue;
    const line = invoice.lines.data.findLast(
      ({ parent, amount, period }) =>
        parent?.subscription_item_details?.subscription_item === itemId && amount > 0 && covers(period, at),
    );
    if (line === undefined) continue;
    const details = { invoice: invoice.id, invoice_line_items: [line.id] };
    return {
      amount: netOf(line),
      period: line.period,
      credited: { type: 'invoice_line_items', invoice_line_item_details: details },
    };
  }
  return null;
}
