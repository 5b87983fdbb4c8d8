import Stripe from 'stripe';
import * as z from 'zod/mini';
import type { NewLine } from '../billing/invoice-build.ts';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { currency, integer, metadata, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { emit, type Scope } from '../scope.ts';
import { customerIn } from './customer-lookup.ts';

/** What is waiting to be put on the next invoice. */
export const invoiceItemRoutes = [
  route(
    'POST',
    '/v1/invoiceitems',
    { customer: text(), amount: integer, currency, description: z.optional(text()), metadata },
    (scope, input) => {
      const customer = customerIn(scope, input.customer, { param: 'customer' });
      const item: Stripe.InvoiceItem = {
        id: scope.newId('ii'),
        object: 'invoiceitem',
        amount: input.amount,
        currency: input.currency.toLowerCase(),
        customer: customer.id,
        customer_account: null,
        date: scope.now,
        description: input.description ?? null,
        discountable: true,
        discounts: [],
        invoice: null,
        livemode: false,
        metadata: mergeMetadata({}, input.metadata),
        net_amount: input.amount,
        parent: null,
        period: { start: scope.now, end: scope.now },
        pricing: null,
        proration: false,
        quantity: 1,
        quantity_decimal: Stripe.Decimal.from(1),
        tax_rates: [],
        test_clock: null,
      };
      scope.state.invoiceItems.add(item);
      emit(scope, 'invoiceitem.created', item);
      return item;
    },
  ),
  route(
    'GET',
    '/v1/invoiceitems',
    { customer: z.optional(text()), ...page },
    (scope, { customer, ...window }) => {
      const items = scope.state.invoiceItems.newestFirst.filter(
        (item) => customer === undefined || item.customer === customer,
      );
      return paginate('/v1/invoiceitems', items, window);
    },
  ),
  route('GET', '/v1/invoiceitems/:id', {}, (scope, _, { id = '' }) =>
    scope.state.invoiceItems.get(id, 'path'),
  ),
];

/** What waits for `customerId`, oldest first; from now on it belongs to `invoice`. */
export function takePendingItems(
  scope: Scope,
  customerId: string,
  invoice: Stripe.Invoice,
): Stripe.InvoiceItem[] {
  const pending = scope.state.invoiceItems.newestFirst
    .filter((item) => item.customer === customerId && item.invoice === null)
    .reverse();
  if (pending.some((item) => item.currency !== invoice.currency)) {
    throw invalid(`The pending items are not all in ${invoice.currency}.`, { param: 'currency' });
  }
  for (const item of pending) item.invoice = invoice.id;
  return pending;
}

export const lineOf = (item: Stripe.InvoiceItem): NewLine => ({
  amount: item.amount,
  description: item.description,
  parent: {
    invoice_item_details: {
      invoice_item: item.id,
      proration: false,
      proration_details: null,
      subscription: null,
    },
    subscription_item_details: null,
    type: 'invoice_item_details',
  },
  period: item.period,
  pricing: null,
  quantity: item.quantity,
});
