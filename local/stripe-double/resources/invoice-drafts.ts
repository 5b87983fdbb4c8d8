import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { addLines } from '../billing/invoice-build.ts';
import { priceInvoice } from '../billing/line-prices.ts';
import { addPendingItem, itemOfLine, lineOf } from '../billing/pending-items.ts';
import { idOf } from '../collection.ts';
import { invalid, missing } from '../http/errors.ts';
import { type InputOf, integer, type MetadataChange, metadata, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { emit, type Scope } from '../scope.ts';
import { pricedFee } from './add-invoice-items.ts';

/* Changes of a draft invoice: its lines are added, changed and removed, and it is deleted. */

const lineFields = {
  amount: z.optional(integer),
  description: z.optional(text()),
  metadata,
  period: z.optional(z.strictObject({ start: integer, end: integer })),
  pricing: z.optional(z.strictObject({ price: text() })),
  price_data: z.optional(z.strictObject({ currency: text(3), product: text(), unit_amount: integer })),
  quantity: z.optional(integer),
};
const newLine = { ...lineFields, invoice_item: z.optional(text()) };
const removal = {
  id: text(),
  behavior: z.enum(['delete', 'unassign'], 'parameter_invalid: must be delete or unassign'),
};

type LineInput = InputOf<typeof lineFields>;

const linesOf = <S extends z.core.$ZodLooseShape>(shape: S) => ({
  lines: z.array(z.strictObject(shape)).check(z.minLength(1, 'must not be empty')),
  invoice_metadata: metadata,
});

export const invoiceDraftRoutes = [
  route('POST', '/v1/invoices/:id/add_lines', linesOf(newLine), (scope, input, { id = '' }) =>
    changed(scope, id, input.invoice_metadata, (invoice) => {
      for (const [i, line] of input.lines.entries()) addLine(scope, invoice, line, `lines[${i}]`);
    }),
  ),
  route(
    'POST',
    '/v1/invoices/:id/update_lines',
    linesOf({ ...lineFields, id: text() }),
    (scope, input, { id = '' }) =>
      changed(scope, id, input.invoice_metadata, (invoice) => {
        for (const [i, { id: lineId, ...line }] of input.lines.entries())
          updateLine(scope, lineIn(invoice, lineId, { param: `lines[${i}][id]` }), line);
      }),
  ),
  route('POST', '/v1/invoices/:id/remove_lines', linesOf(removal), (scope, input, { id = '' }) =>
    changed(scope, id, input.invoice_metadata, (invoice) => {
      for (const [i, line] of input.lines.entries()) {
        const found = lineIn(invoice, line.id, { param: `lines[${i}][id]` });
        removeLine(scope, invoice, found, line.behavior);
      }
    }),
  ),
  route('POST', '/v1/invoices/:id/lines/:line', lineFields, (scope, input, { id = '', line = '' }) => {
    const invoice = changed(scope, id, undefined, (draft) => {
      updateLine(scope, lineIn(draft, line, 'path'), input);
    });
    return lineIn(invoice, line, 'path');
  }),
  route('DELETE', '/v1/invoices/:id', {}, (scope, _, { id = '' }) => {
    const invoice = draftIn(scope, id);
    if (invoice.parent?.subscription_details)
      throw invalid("You can't delete an invoice of a subscription: void it once it is final.");
    for (const line of invoice.lines.data) deleteItem(scope, line);
    scope.state.invoices.delete(id);
    emit(scope, 'invoice.deleted', invoice);
    return { id, object: 'invoice', deleted: true } satisfies Stripe.DeletedInvoice;
  }),
];

function draftIn(scope: Scope, id: string): Stripe.Invoice {
  const invoice = scope.state.invoices.get(id, 'path');
  if (invoice.status === 'draft') return invoice;
  throw invalid('This invoice is no longer editable: only a draft is.', { code: 'invoice_not_editable' });
}

/** Changes the lines of a draft, then its totals, and emits the event. */
function changed(
  scope: Scope,
  id: string,
  metadataChange: MetadataChange | '' | undefined,
  edit: (invoice: Stripe.Invoice) => void,
): Stripe.Invoice {
  const invoice = draftIn(scope, id);
  const before = new Map(Object.entries(copyOf(invoice)));
  edit(invoice);
  priceInvoice(scope, invoice);
  if (typeof metadataChange === 'object')
    invoice.metadata = mergeMetadata(invoice.metadata ?? {}, metadataChange);
  const differs = ([name, after]: [string, unknown]) =>
    JSON.stringify(before.get(name)) !== JSON.stringify(after);
  const previous = Object.entries(copyOf(invoice))
    .filter(differs)
    .map(([name]) => [name, before.get(name)]);
  emit(scope, 'invoice.updated', invoice, Object.fromEntries(previous));
  return invoice;
}

const copyOf = (invoice: Stripe.Invoice): object => JSON.parse(JSON.stringify(invoice));

function lineIn(
  invoice: Stripe.Invoice,
  id: string,
  where: 'path' | { readonly param: string },
): Stripe.InvoiceLineItem {
  const line = invoice.lines.data.find((one) => one.id === id);
  if (line === undefined) throw missing('invoice line item', id, where);
  return line;
}

/**
 * A new line is an invoice item that is on this invoice from the start. A pending item can be named instead.
 */
function addLine(scope: Scope, invoice: Stripe.Invoice, line: InputOf<typeof newLine>, param: string): void {
  const item = line.invoice_item === undefined ? newItem(scope, invoice, line, param) : waiting();
  item.invoice = invoice.id;
  addLines(scope, invoice, [lineOf(scope, item)]);
  const added = invoice.lines.data.at(-1);
  if (added !== undefined) added.metadata = { ...item.metadata };

  function waiting(): Stripe.InvoiceItem {
    const found = scope.state.invoiceItems.get(line.invoice_item ?? '', { param: `${param}[invoice_item]` });
    if (found.invoice === null && found.customer === idOf(invoice.customer)) return found;
    throw invalid('The item is on an invoice already, or of another customer.', {
      param: `${param}[invoice_item]`,
    });
  }
}

function newItem(scope: Scope, invoice: Stripe.Invoice, line: LineInput, param: string): Stripe.InvoiceItem {
  const quantity = line.quantity ?? 1;
  const fee = pricing(scope, line, param);
  const amount = line.amount ?? (fee === null ? undefined : fee.unitAmount * quantity);
  if (amount === undefined) {
    const missed = `${param}[amount]`;
    throw invalid(`Missing required param: ${missed}.`, { code: 'parameter_missing', param: missed });
  }
  return addPendingItem(scope, {
    customer: idOf(invoice.customer) ?? '',
    amount,
    currency: invoice.currency,
    description: line.description ?? fee?.name ?? null,
    metadata: mergeMetadata({}, line.metadata),
    ...(line.period && { period: line.period }),
    price: fee?.price,
    quantity,
  });
}

const pricing = (scope: Scope, { pricing: named, price_data }: LineInput, param: string) =>
  named === undefined && price_data === undefined
    ? null
    : pricedFee(scope, { price: named?.price, price_data }, `${param}[pricing][price]`);

/** A change of a line also changes its invoice item. A subscription's own line can change only its texts. */
function updateLine(scope: Scope, line: Stripe.InvoiceLineItem, input: LineInput): void {
  const item = itemOfLine(scope, line);
  const quantity = input.quantity ?? line.quantity ?? 1;
  const fee = pricing(scope, input, 'lines');
  const unit = fee?.unitAmount ?? line.pricing?.unit_amount_decimal?.toNumber();
  const isCounted = input.quantity !== undefined || fee !== null;
  const amount = input.amount ?? (isCounted && unit !== undefined ? unit * quantity : line.amount);
  if (item === undefined && amount !== line.amount)
    throw invalid('The amount of a subscription line follows its price.', { code: 'invoice_not_editable' });
  const changes = {
    ...withoutUndefined({ description: input.description, period: input.period }),
    amount,
    quantity,
  };
  const merged = mergeMetadata(line.metadata, input.metadata);
  Object.assign(line, changes, { subtotal: amount, metadata: merged });
  if (item === undefined) return;
  Object.assign(item, changes, { net_amount: amount, metadata: merged });
}

function removeLine(
  scope: Scope,
  invoice: Stripe.Invoice,
  line: Stripe.InvoiceLineItem,
  behavior: 'delete' | 'unassign',
): void {
  const item = itemOfLine(scope, line);
  if (item === undefined) throw invalid('A line of a subscription cannot be removed.');
  invoice.lines.data = invoice.lines.data.filter((one) => one !== line);
  if (behavior === 'unassign') item.invoice = null;
  else deleteItem(scope, line);
}

function deleteItem(scope: Scope, line: Stripe.InvoiceLineItem): void {
  const item = itemOfLine(scope, line);
  if (item === undefined) return;
  scope.state.invoiceItems.delete(item.id);
  emit(scope, 'invoiceitem.deleted', item);
}
