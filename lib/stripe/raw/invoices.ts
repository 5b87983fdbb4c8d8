import type Stripe from 'stripe';
import { PAGE } from '../paging.ts';
import type { RawInvoice, RawLine, RawNote } from '../port/audit.ts';
import { idOf } from '../reference.ts';

/* Invoices and credit notes for the auditor: every page, every status, no rule of the service. */

export async function rawInvoices(stripe: Stripe, customer: string): Promise<RawInvoice[]> {
  const found: RawInvoice[] = [];
  const list = { customer, limit: PAGE, expand: ['data.payments', 'data.amount_paid_off_stripe'] };
  for await (const invoice of stripe.invoices.list(list)) found.push(await rawInvoice(stripe, invoice));
  return found;
}

async function rawInvoice(stripe: Stripe, invoice: Stripe.Invoice): Promise<RawInvoice> {
  const { pre_payment_credit_notes_amount: before, post_payment_credit_notes_amount: after } = invoice;
  return {
    id: invoice.id,
    status: invoice.status ?? 'unknown',
    created: invoice.created,
    paidAt: invoice.status_transitions.paid_at,
    lines: (await linesOf(stripe, invoice)).map(rawLine),
    payments: (await paymentsOf(stripe, invoice)).map(({ payment, amount_paid: paid }) => ({
      paymentIntentId: idOf(payment.payment_intent),
      chargeId: idOf(payment.charge),
      cents: paid ?? 0,
    })),
    balanceCents: (invoice.ending_balance ?? invoice.starting_balance) - invoice.starting_balance,
    outOfBandCents: invoice.amount_paid_off_stripe ?? 0,
    hasNotes: before > 0 || after > 0,
  };
}

async function linesOf(stripe: Stripe, { id, lines }: Stripe.Invoice): Promise<Stripe.InvoiceLineItem[]> {
  if (!lines.has_more) return lines.data;
  const all: Stripe.InvoiceLineItem[] = [];
  for await (const line of stripe.invoices.listLineItems(id, { limit: PAGE })) all.push(line);
  return all;
}

async function paymentsOf(
  stripe: Stripe,
  { id: invoice, payments }: Stripe.Invoice,
): Promise<Stripe.InvoicePayment[]> {
  const isAll = payments !== undefined && !payments.has_more;
  const all: Stripe.InvoicePayment[] = isAll ? payments.data : [];
  if (!isAll) for await (const one of stripe.invoicePayments.list({ invoice, limit: PAGE })) all.push(one);
  return all.filter(({ status }) => status === 'paid');
}

function rawLine(line: Stripe.InvoiceLineItem): RawLine {
  const item = line.parent?.subscription_item_details ?? line.parent?.invoice_item_details ?? null;
  const taxes = (line.taxes ?? []).filter(({ tax_behavior: behavior }) => behavior === 'exclusive');
  return {
    id: line.id,
    cents: line.amount,
    discountCents: sum((line.discount_amounts ?? []).map(({ amount }) => amount)),
    taxCents: sum(taxes.map(({ amount }) => amount)),
    quantity: line.quantity ?? 1,
    priceId: idOf(line.pricing?.price_details?.price),
    subscriptionId: item?.subscription ?? null,
    isProration: item?.proration ?? false,
    creditedInvoiceId: item?.proration_details?.credited_items?.invoice ?? null,
    start: line.period.start,
    end: line.period.end,
  };
}

export async function rawNotes(stripe: Stripe, customer: string): Promise<RawNote[]> {
  const found: RawNote[] = [];
  for await (const note of stripe.creditNotes.list({ customer, limit: PAGE })) {
    found.push(rawNote(note, await noteLines(stripe, note)));
  }
  return found;
}

async function noteLines(
  stripe: Stripe,
  { id, lines }: Stripe.CreditNote,
): Promise<Stripe.CreditNoteLineItem[]> {
  if (!lines.has_more) return lines.data;
  const all: Stripe.CreditNoteLineItem[] = [];
  for await (const line of stripe.creditNotes.listLineItems(id, { limit: PAGE })) all.push(line);
  return all;
}

function rawNote(note: Stripe.CreditNote, lines: readonly Stripe.CreditNoteLineItem[]): RawNote {
  const refunds = note.refunds.map(({ refund, amount_refunded: cents }) => ({
    id: idOf(refund) ?? '',
    cents,
  }));
  return {
    invoiceId: idOf(note.invoice) ?? '',
    isIssued: note.status === 'issued',
    cents: note.pre_payment_amount + note.post_payment_amount - sum(refunds.map(({ cents }) => cents)),
    refunds,
    wholeCents: note.total,
    lines: lines.flatMap(({ invoice_line_item: lineId, amount, discount_amount: off, taxes }) =>
      lineId === undefined
        ? []
        : [
            {
              lineId,
              cents:
                amount -
                off +
                sum(
                  (taxes ?? [])
                    .filter(({ tax_behavior: behavior }) => behavior === 'exclusive')
                    .map((tax) => tax.amount),
                ),
            },
          ],
    ),
  };
}

const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);
