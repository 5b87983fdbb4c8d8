import Stripe from 'stripe';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import { emit, type Scope } from '../scope.ts';
import type { NewLine } from './invoice-build.ts';

export interface NewItem {
  readonly customer: string;
  /** In cents; negative is credit. */
  readonly amount: number;
  readonly currency: string;
  readonly description: string | null;
  readonly metadata?: Stripe.Metadata;
  readonly period?: Stripe.InvoiceItem.Period;
  readonly price?: Stripe.Price | undefined;
  readonly quantity?: number;
  readonly subscription?: string | undefined;
  readonly subscriptionItem?: string;
  /** Set for a proration. `credited` names the lines that a credit returns. */
  readonly proration?: { readonly credited: Stripe.InvoiceItem.ProrationDetails.CreditedItems | null };
}

/** Stores an item for the next invoice. */
export function addPendingItem(scope: Scope, item: NewItem): Stripe.InvoiceItem {
  const { subscription, quantity = 1, price } = item;
  const added: Stripe.InvoiceItem = {
    id: scope.newId('ii'),
    object: 'invoiceitem',
    amount: item.amount,
    currency: item.currency,
    customer: item.customer,
    customer_account: null,
    date: scope.now,
    description: item.description,
    discountable: item.proration === undefined,
    discounts: [],
    invoice: null,
    livemode: false,
    metadata: item.metadata ?? {},
    net_amount: item.amount,
    parent: subscription === undefined ? null : parentOf(subscription, item.subscriptionItem),
    period: item.period ?? { start: scope.now, end: scope.now },
    pricing: price === undefined ? null : pricingOf(price),
    proration: item.proration !== undefined,
    ...(item.proration && {
      proration_details: { credited_items: item.proration.credited, discount_amounts: [] },
    }),
    quantity,
    quantity_decimal: Stripe.Decimal.from(quantity),
    tax_rates: [],
    test_clock: null,
  };
  scope.state.invoiceItems.add(added);
  emit(scope, 'invoiceitem.created', added);
  return added;
}

const parentOf = (subscription: string, item: string | undefined): Stripe.InvoiceItem.Parent => ({
  subscription_details: { subscription, ...(item !== undefined && { subscription_item: item }) },
  type: 'subscription_details',
});

const pricingOf = (price: Stripe.Price): Stripe.InvoiceItem.Pricing => ({
  price_details: { price: price.id, product: idOf(price.product) ?? '' },
  type: 'price_details',
  unit_amount_decimal: Stripe.Decimal.from(price.unit_amount ?? 0),
});

export const subscriptionOfItem = (item: Stripe.InvoiceItem): string | null =>
  item.parent?.subscription_details?.subscription ?? null;

/** A customer's pending items for an invoice of `subscription`, the oldest first. */
export const pendingItems = (
  { state }: Pick<Scope, 'state'>,
  customer: string,
  subscription: string | null,
): Stripe.InvoiceItem[] =>
  state.invoiceItems.newestFirst
    .filter((item) => item.customer === customer && item.invoice === null)
    .filter((item) => [null, subscription].includes(subscriptionOfItem(item)))
    .reverse();

/**
 * The lines of the pending items for the customer of `invoice`; they belong to that invoice from now on.
 * @throws Refusal if an item has another currency than the invoice.
 */
export function takePendingLines(scope: Scope, invoice: Stripe.Invoice): NewLine[] {
  const subscription = idOf(invoice.parent?.subscription_details?.subscription);
  const pending = pendingItems(scope, idOf(invoice.customer) ?? '', subscription);
  if (pending.some((item) => item.currency !== invoice.currency)) {
    throw invalid(`The pending items are not all in ${invoice.currency}.`, { param: 'currency' });
  }
  for (const item of pending) item.invoice = invoice.id;
  return pending.map((item) => lineOf(scope, item));
}

/** Removes prorations that are no longer to be paid. */
export function dropProrations(scope: Scope, subscription: Stripe.Subscription): void {
  for (const item of pendingItems(scope, idOf(subscription.customer) ?? '', subscription.id)) {
    if (!item.proration || subscriptionOfItem(item) === null) continue;
    scope.state.invoiceItems.delete(item.id);
    emit(scope, 'invoiceitem.deleted', item);
  }
}

export const lineOf = (scope: Scope, item: Stripe.InvoiceItem): NewLine => ({
  amount: item.amount,
  description: item.description,
  parent: item.proration ? prorationParent(scope, item) : itemParent(item),
  period: item.period,
  pricing: item.pricing,
  quantity: item.quantity,
});

/** The invoice item of a line; undefined for a line of the subscription itself. */
export const itemOfLine = ({ state }: Scope, { parent }: Stripe.InvoiceLineItem) =>
  state.invoiceItems.find(
    parent?.invoice_item_details?.invoice_item ?? parent?.subscription_item_details?.invoice_item,
  );

const itemParent = (item: Stripe.InvoiceItem): Stripe.InvoiceLineItem.Parent => ({
  invoice_item_details: {
    invoice_item: item.id,
    proration: false,
    proration_details: null,
    subscription: subscriptionOfItem(item),
  },
  subscription_item_details: null,
  type: 'invoice_item_details',
});

const prorationParent = (scope: Scope, item: Stripe.InvoiceItem): Stripe.InvoiceLineItem.Parent => ({
  invoice_item_details: null,
  subscription_item_details: {
    invoice_item: item.id,
    proration: true,
    proration_details: { credited_items: creditedLines(scope, item.proration_details?.credited_items) },
    subscription: subscriptionOfItem(item),
    subscription_item: item.parent?.subscription_details?.subscription_item ?? '',
  },
  type: 'subscription_item_details',
});

/** An item that was pending when it was credited may have an invoice by now. */
function creditedLines(
  { state }: Scope,
  credited: Stripe.InvoiceItem.ProrationDetails.CreditedItems | null | undefined,
): Stripe.InvoiceLineItem.Parent.SubscriptionItemDetails.ProrationDetails.CreditedItems | null {
  if (credited?.invoice_line_item_details) return credited.invoice_line_item_details;
  const invoice = state.invoices.find(idOf(state.invoiceItems.find(credited?.invoice_item ?? null)?.invoice));
  const line = invoice?.lines.data.find(
    ({ parent }) => parent?.subscription_item_details?.invoice_item === credited?.invoice_item,
  );
  if (invoice === undefined || line === undefined) return null;
  return { invoice: invoice.id, invoice_line_items: [line.id] };
}
