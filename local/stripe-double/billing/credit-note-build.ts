import Stripe from 'stripe';
import { hostedUrl } from '../hosted.ts';
import { invalid } from '../http/errors.ts';
import type { MetadataChange } from '../http/parameters.ts';
import { mergeMetadata } from '../metadata.ts';
import type { Scope } from '../scope.ts';
import { netOf } from './line-prices.ts';

export interface NoteLineInput {
  readonly type: 'custom_line_item' | 'invoice_line_item';
  readonly amount?: number | undefined;
  readonly description?: string | undefined;
  readonly invoice_line_item?: string | undefined;
  readonly metadata?: MetadataChange | undefined;
  readonly quantity?: number | undefined;
  readonly unit_amount?: number | undefined;
}

/** The lines of a note, each in cents without tax, and each line's tax. */
export function linesOfNote(
  scope: Scope,
  invoice: Stripe.Invoice,
  amount: number | undefined,
  lines: readonly NoteLineInput[] | undefined,
): Stripe.CreditNoteLineItem[] {
  if ((amount === undefined) === (lines === undefined)) {
    throw invalid('Send one of amount and lines.', { code: 'parameter_missing', param: 'amount' });
  }
  if (amount !== undefined) {
    if (amount < 1) throw invalid('Invalid positive integer', { param: 'amount' });
    return [buildNoteLine(scope, { type: 'custom_line_item', amount, quantity: 1, unit_amount: amount })];
  }
  return (lines ?? []).map((line, i) =>
    line.type === 'custom_line_item'
      ? customLine(scope, line, `lines[${i}]`)
      : invoiceLine(scope, invoice, line, `lines[${i}]`),
  );
}

function customLine(scope: Scope, line: NoteLineInput, param: string): Stripe.CreditNoteLineItem {
  const unit = line.unit_amount;
  if (unit === undefined || line.description === undefined) {
    throw invalid('A custom line has a description and a unit_amount.', {
      code: 'parameter_missing',
      param: `${param}[${unit === undefined ? 'unit_amount' : 'description'}]`,
    });
  }
  const quantity = line.quantity ?? 1;
  return buildNoteLine(scope, { ...line, amount: unit * quantity, quantity, unit_amount: unit });
}

function invoiceLine(
  scope: Scope,
  invoice: Stripe.Invoice,
  line: NoteLineInput,
  param: string,
): Stripe.CreditNoteLineItem {
  const credited = invoice.lines.data.find(({ id }) => id === line.invoice_line_item);
  if (credited === undefined) {
    throw invalid(`No such invoice line item: '${line.invoice_line_item}'`, {
      code: 'resource_missing',
      param: `${param}[invoice_line_item]`,
    });
  }
  if ((line.amount === undefined) === (line.quantity === undefined)) {
    throw invalid('A line of an invoice is credited by amount or by quantity.', {
      param: `${param}[amount]`,
    });
  }
  const whole = credited.quantity ?? 1;
  const net = netOf(credited);
  const amount = line.amount ?? Math.round((net * (line.quantity ?? 0)) / whole);
  if (amount < 1 || amount > net) {
    throw invalid(`The line has ${net} to credit.`, { param: `${param}[amount]` });
  }
  const taxes = (credited.taxes ?? []).map((tax) => ({
    ...tax,
    amount: Math.round((tax.amount * amount) / net),
    taxable_amount: amount,
  }));
  return {
    ...buildNoteLine(scope, { ...line, amount, description: line.description ?? credited.description }),
    invoice_line_item: credited.id,
    quantity: line.quantity ?? null,
    taxes,
  };
}

const buildNoteLine = (
  scope: Scope,
  line: Pick<NoteLineInput, 'type' | 'quantity' | 'unit_amount' | 'metadata'> & {
    readonly amount: number;
    readonly description?: string | null | undefined;
  },
): Stripe.CreditNoteLineItem => ({
  id: scope.newId('cnli'),
  object: 'credit_note_line_item',
  amount: line.amount,
  description: line.description ?? null,
  discount_amount: 0,
  discount_amounts: [],
  livemode: false,
  metadata: mergeMetadata({}, line.metadata),
  pretax_credit_amounts: [],
  quantity: line.quantity ?? null,
  tax_rates: [],
  taxes: [],
  type: line.type,
  unit_amount: line.unit_amount ?? null,
  unit_amount_decimal: line.unit_amount === undefined ? null : Stripe.Decimal.from(line.unit_amount),
});

export interface NewNote {
  readonly lines: readonly Stripe.CreditNoteLineItem[];
  readonly prePayment: number;
  readonly postPayment: number;
  readonly outOfBand: number | null;
  readonly memo: string | null;
  readonly reason: Stripe.CreditNote.Reason | null;
  readonly effectiveAt: number | null;
  readonly metadata: Stripe.Metadata;
}

export const subtotalOf = (lines: readonly Stripe.CreditNoteLineItem[]): number =>
  lines.reduce((sum, { amount }) => sum + amount, 0);

export const totalOf = (lines: readonly Stripe.CreditNoteLineItem[]): number =>
  subtotalOf(lines) +
  lines
    .flatMap(({ taxes }) => taxes ?? [])
    .filter((tax) => tax.tax_behavior === 'exclusive')
    .reduce((sum, { amount }) => sum + amount, 0);

/** A note before its money moves: no refunds, no balance entry. */
export function buildCreditNote(scope: Scope, invoice: Stripe.Invoice, note: NewNote): Stripe.CreditNote {
  const id = scope.newId('cn');
  const total = totalOf(note.lines);
  const subtotal = subtotalOf(note.lines);
  const before = scope.state.creditNotes.newestFirst.filter((one) => one.invoice === invoice.id).length;
  return {
    id,
    object: 'credit_note',
    amount: total,
    amount_shipping: 0,
    created: scope.now,
    currency: invoice.currency,
    customer: String(invoice.customer),
    customer_account: null,
    customer_balance_transaction: null,
    discount_amount: 0,
    discount_amounts: [],
    effective_at: note.effectiveAt ?? scope.now,
    invoice: invoice.id,
    lines: { object: 'list', data: [...note.lines], has_more: false, url: `/v1/credit_notes/${id}/lines` },
    livemode: false,
    memo: note.memo,
    metadata: note.metadata,
    number: `${invoice.number}-CN-${String(before + 1).padStart(2, '0')}`,
    out_of_band_amount: note.outOfBand,
    pdf: hostedUrl(`/credit_note_pdfs/${id}`),
    post_payment_amount: note.postPayment,
    pre_payment_amount: note.prePayment,
    pretax_credit_amounts: [],
    reason: note.reason,
    refunds: [],
    shipping_cost: null,
    status: 'issued',
    subtotal,
    subtotal_excluding_tax: subtotal,
    total,
    total_excluding_tax: subtotal,
    total_taxes: note.lines.flatMap(({ taxes }) => taxes ?? []),
    type: typeOf(note),
    voided_at: null,
  };
}

function typeOf({ prePayment, postPayment }: NewNote): Stripe.CreditNote.Type {
  if (postPayment === 0) return 'pre_payment';
  return prePayment === 0 ? 'post_payment' : 'mixed';
}
