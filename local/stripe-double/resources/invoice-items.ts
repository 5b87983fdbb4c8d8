import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { addLines } from '../billing/invoice-build.ts';
import { addPendingItem, lineOf } from '../billing/pending-items.ts';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { clearable, currency, flag, type InputOf, integer, metadata, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { emit, type Scope } from '../scope.ts';
import { customerIn } from './customer-lookup.ts';

const createParameters = {
  customer: text(),
  amount: z.optional(integer),
  currency: z.optional(currency),
  description: z.optional(text()),
  invoice: z.optional(text()),
  metadata,
  pricing: z.optional(z.strictObject({ price: text() })),
  quantity: z.optional(integer),
  subscription: z.optional(text()),
};

/** Items that are pending for the next invoice. */
export const invoiceItemRoutes = [
  route('POST', '/v1/invoiceitems', createParameters, createItem),
  route(
    'GET',
    '/v1/invoiceitems',
    { customer: z.optional(text()), invoice: z.optional(text()), pending: z.optional(flag), ...page },
    (scope, { customer, invoice, pending, ...window }) => {
      const items = scope.state.invoiceItems.newestFirst.filter(
        (item) =>
          (customer === undefined || item.customer === customer) &&
          (invoice === undefined || item.invoice === invoice) &&
          (pending === undefined || pending === (item.invoice === null)),
      );
      return paginate('/v1/invoiceitems', items, window);
    },
  ),
  route('GET', '/v1/invoiceitems/:id', {}, (scope, _, { id = '' }) =>
    scope.state.invoiceItems.get(id, 'path'),
  ),
  route(
    'POST',
    '/v1/invoiceitems/:id',
    { amount: z.optional(integer), description: z.optional(clearable(text())), metadata },
    (scope, { metadata, ...rest }, { id = '' }) => {
      const item = pendingIn(scope, id);
      Object.assign(item, withoutUndefined(rest), { metadata: mergeMetadata(item.metadata ?? {}, metadata) });
      item.net_amount = item.amount;
      return item;
    },
  ),
  route('DELETE', '/v1/invoiceitems/:id', {}, (scope, _, { id = '' }) => {
    const item = pendingIn(scope, id);
    scope.state.invoiceItems.delete(id);
    emit(scope, 'invoiceitem.deleted', item);
    return { id, object: 'invoiceitem', deleted: true } satisfies Stripe.DeletedInvoiceItem;
  }),
];

function createItem(scope: Scope, input: InputOf<typeof createParameters>): Stripe.InvoiceItem {
  const customer = customerIn(scope, input.customer, { param: 'customer' });
  const price =
    input.pricing === undefined
      ? undefined
      : scope.state.prices.get(input.pricing.price, { param: 'pricing[price]' });
  const quantity = input.quantity ?? 1;
  const amount = input.amount ?? (price === undefined ? undefined : (price.unit_amount ?? 0) * quantity);
  const unit = input.currency?.toLowerCase() ?? price?.currency;
  if (amount === undefined || unit === undefined) {
    const param = amount === undefined ? 'amount' : 'currency';
    throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  }
  if (input.subscription !== undefined)
    scope.state.subscriptions.get(input.subscription, { param: 'subscription' });
  const invoice = input.invoice === undefined ? undefined : draftIn(scope, input.invoice, customer, unit);
  const item = addPendingItem(scope, {
    customer: customer.id,
    amount,
    currency: unit,
    description: input.description ?? null,
    metadata: mergeMetadata({}, input.metadata),
    price,
    quantity,
    subscription: input.subscription,
  });
  if (invoice === undefined) return item;
  item.invoice = invoice.id;
  addLines(scope, invoice, [lineOf(scope, item)]);
  return item;
}

function draftIn(scope: Scope, id: string, customer: Stripe.Customer, unit: string): Stripe.Invoice {
  const param = 'invoice';
  const invoice = scope.state.invoices.get(id, { param });
  if (invoice.status !== 'draft' || invoice.customer !== customer.id || invoice.currency !== unit) {
    throw invalid('An item goes on a draft of its own customer, in the currency of the draft.', { param });
  }
  return invoice;
}

function pendingIn(scope: Scope, id: string): Stripe.InvoiceItem {
  const item = scope.state.invoiceItems.get(id, 'path');
  if (item.invoice !== null)
    throw invalid('The item is on an invoice already.', { code: 'invoice_not_editable' });
  return item;
}
