import type Stripe from 'stripe';
import type { ReturnedValue } from '../../domain/grants.ts';
import type { ReturnReason } from '../../domain/notice.ts';
import { allOf, PAGE } from '../paging.ts';
import { idOf } from '../reference.ts';
import { isLive, withdrawnCents } from './disputes-and-refunds.ts';
import { addedTaxOf } from './invoice-lines.ts';
import { unusedTimeOf } from './unused-time.ts';

/* All value of an invoice that its customer got back: by all payments, credit notes and later invoices. */

/** A refund that did not fail, with the part of it that is for the invoice. */
interface LiveRefund {
  readonly id: string;
  readonly cents: number;
}

type NamedLine = ReturnedValue['ofLines'][number];

export async function readReturnedValue(stripe: Stripe, invoice: Stripe.Invoice): Promise<ReturnedValue> {
  const [payments, notes, unused] = await Promise.all([
    readPayments(stripe, invoice.id),
    readNotes(stripe, invoice.id),
    unusedTimeOf(stripe, invoice),
  ]);
  const refunds = payments.flatMap((payment) => payment.refunds);
  const noted = notes.map((note) => returnedByNote(note, refunds));
  const refunded = sum(refunds.map(({ cents }) => cents)) - sum(noted.map(({ linkedCents }) => linkedCents));
  const disputed = sum(payments.map(({ disputedCents }) => disputedCents));
  const credited = sum(noted.map(({ cents }) => cents));
  const ofLines = noted.flatMap((note) => note.ofLines);
  const reasons: (readonly [ReturnReason, boolean])[] = [
    ['refund', refunds.length > 0],
    ['dispute', disputed > 0],
    ['credit_note', noted.some(({ cents, ofLines: named }) => cents > 0 || named.length > 0)],
    ['plan_change', unused > 0],
  ];
  return {
    cents: Math.max(0, refunded) + disputed + credited + unused,
    ofLines,
    reasons: reasons.filter(([, is]) => is).map(([reason]) => reason),
  };
}

const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);

interface PaymentBack {
  readonly refunds: readonly LiveRefund[];
  readonly disputedCents: number;
}

async function readPayments(stripe: Stripe, invoice: string): Promise<PaymentBack[]> {
  const expand = ['data.payment.payment_intent'];
  const payments = await allOf(stripe.invoicePayments.list({ invoice, status: 'paid', limit: PAGE, expand }));
  return Promise.all(payments.map((payment) => readPayment(stripe, payment)));
}

async function readPayment(
  stripe: Stripe,
  { payment, amount_paid: paid }: Stripe.InvoicePayment,
): Promise<PaymentBack> {
  const { payment_intent: intent, charge } = payment;
  const of = intent ? { payment_intent: idOf(intent) ?? '' } : { charge: idOf(charge) ?? '' };
  // A payment outside Stripe has no refunds and disputes here: a credit note says what was returned of it.
  if (!intent && !charge) return { refunds: [], disputedCents: 0 };
  const whole = typeof intent === 'object' ? intent.amount_received : null;
  const share = (cents: number): number =>
    whole === null || paid === null || paid >= whole ? cents : Math.floor((cents * paid) / whole);
  const [refunds, disputes] = await Promise.all([
    allOf(stripe.refunds.list({ ...of, limit: PAGE })),
    allOf(stripe.disputes.list({ ...of, limit: PAGE })),
  ]);
  return {
    refunds: refunds.filter(isLive).map(({ id, amount }) => ({ id, cents: share(amount) })),
    disputedCents: share(sum(disputes.map(withdrawnCents))),
  };
}

async function readNotes(stripe: Stripe, invoice: string): Promise<Stripe.CreditNote[]> {
  const notes = await allOf(stripe.creditNotes.list({ invoice, limit: PAGE }));
  return Promise.all(
    notes.filter(({ status }) => status !== 'void').map((note) => withAllLines(stripe, note)),
  );
}

async function withAllLines(stripe: Stripe, note: Stripe.CreditNote): Promise<Stripe.CreditNote> {
  if (!note.lines.has_more) return note;
  const data = await allOf(stripe.creditNotes.listLineItems(note.id, { limit: PAGE }));
  return { ...note, lines: { ...note.lines, data, has_more: false } };
}

/**
 * What a credit note returns: taken off before payment, added to the customer's balance, or paid outside
 * Stripe. If the note names lines, its refunds count for these lines; else as refunds of the whole invoice.
 */
function returnedByNote(note: Stripe.CreditNote, live: readonly LiveRefund[]) {
  const { pre_payment_amount: before, post_payment_amount: after, refunds } = note;
  const ours = refunds.filter(({ type }) => type !== 'payment_record_refund');
  const unrefunded = before + after - sum(ours.map(({ amount_refunded: cents }) => cents));
  const linked = ours.filter(({ refund }) => live.some(({ id }) => id === idOf(refund)));
  const linkedCents = sum(linked.map(({ amount_refunded: cents }) => cents));
  const lines = note.lines.data.map(partOf);
  if (lines.every(({ lineId }) => lineId === null)) return { cents: unrefunded, ofLines: [], linkedCents: 0 };
  return { ...divided(lines, unrefunded + linkedCents), linkedCents };
}

interface NotePart {
  readonly lineId: string | null;
  readonly cents: number;
  readonly isTax: boolean;
}

function partOf(line: Stripe.CreditNoteLineItem): NotePart {
  const net = line.amount - line.discount_amount;
  const tax = addedTaxOf(line);
  return { lineId: line.invoice_line_item ?? null, cents: net + tax, isTax: net === 0 && tax > 0 };
}

/**
 * The returned value of a note, over its parts: all in full, or a share of each if one of its refunds failed.
 */
function divided(
  parts: readonly NotePart[],
  cents: number,
): { cents: number; ofLines: readonly NamedLine[] } {
  const whole = sum(parts.map((part) => part.cents));
  const returned = (part: NotePart): number =>
    cents >= whole ? part.cents : Math.floor((part.cents * cents) / whole);
  const ofLines = parts.flatMap((part): NamedLine[] =>
    part.lineId === null ? [] : [{ lineId: part.lineId, cents: returned(part), isTax: part.isTax }],
  );
  return { cents: Math.max(0, cents - sum(ofLines.map((line) => line.cents))), ofLines };
}
