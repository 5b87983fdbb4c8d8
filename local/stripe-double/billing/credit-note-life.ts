import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import { refundCharge } from '../resources/refunds.ts';
import { change, changeAndEmit, emit, type Scope } from '../scope.ts';
import { postToBalance } from './balance.ts';
import { markPaid } from './invoice-life.ts';
import { openDefaultPayment, paymentsOf, syncDefaultPayment } from './invoice-payments.ts';

/** How the already paid part of a note is returned. In cents. */
export interface Division {
  readonly credit: number;
  readonly refund: number;
  readonly outOfBand: number;
  readonly linked: readonly { readonly refund: Stripe.Refund; readonly amount: number }[];
}

const sum = (amounts: readonly number[]): number => amounts.reduce((total, one) => total + one, 0);

/** Refunds outside the notes reduce what a note can still credit. */
export function creditableOf(scope: Scope, invoice: Stripe.Invoice): number {
  const { total, pre_payment_credit_notes_amount: pre, post_payment_credit_notes_amount: post } = invoice;
  const linked = linkedTo(scope, invoice);
  const beside = refundsOf(scope, invoice).map((one) => one.amount - (linked.get(one.id) ?? 0));
  return Math.max(total - pre - post - sum(beside), 0);
}

function refundsOf(scope: Scope, invoice: Stripe.Invoice): Stripe.Refund[] {
  const intents = new Set(paymentsOf(scope, invoice.id).map((one) => idOf(one.payment.payment_intent)));
  return scope.state.refunds.newestFirst.filter(
    ({ status, payment_intent: intent }) =>
      status !== 'failed' && status !== 'canceled' && intents.has(idOf(intent)),
  );
}

/** The amount of each refund that the invoice's notes already count. */
function linkedTo(scope: Scope, invoice: Stripe.Invoice): Map<string, number> {
  const counted = new Map<string, number>();
  for (const note of scope.state.creditNotes.newestFirst) {
    if (note.invoice !== invoice.id || note.status === 'void') continue;
    for (const { refund, amount_refunded: amount } of note.refunds) {
      const id = idOf(refund) ?? '';
      counted.set(id, (counted.get(id) ?? 0) + amount);
    }
  }
  return counted;
}

/**
 * The refunds that a note may name, with the amount that it counts of each.
 * @throws Refusal for a refund of another invoice, or one that notes already count.
 */
export function linkable(
  scope: Scope,
  invoice: Stripe.Invoice,
  wanted: readonly { readonly refund: string; readonly amount_refunded?: number | undefined }[],
): Division['linked'] {
  const counted = linkedTo(scope, invoice);
  const own = new Set(refundsOf(scope, invoice).map(({ id }) => id));
  return wanted.map(({ refund: id, amount_refunded: amount }, i) => {
    const refund = scope.state.refunds.get(id, { param: `refunds[${i}][refund]` });
    const left = refund.amount - (counted.get(id) ?? 0);
    const part = amount ?? left;
    if (!own.has(id) || part < 1 || part > left) {
      throw invalid(`The refund ${id} has nothing that this credit note could count.`, {
        param: `refunds[${i}][refund]`,
      });
    }
    return { refund, amount: part };
  });
}

/** Stores a note, moves its money and reduces the amount due of its invoice. */
export function issueNote(
  scope: Scope,
  invoice: Stripe.Invoice,
  note: Stripe.CreditNote,
  { credit, refund, linked }: Division,
): void {
  const made = refund === 0 ? [] : refundPayments(scope, invoice, refund);
  const refunds = [...made.map((one) => ({ refund: one, amount: one.amount })), ...linked];
  note.refunds = refunds.map((one) => ({
    amount_refunded: one.amount,
    payment_record_refund: null,
    refund: one.refund.id,
    type: 'refund',
  }));
  if (credit > 0) note.customer_balance_transaction = creditCustomer(scope, invoice, note, credit);
  scope.state.creditNotes.add(note);
  emit(scope, 'credit_note.created', note);
  applyToInvoice(scope, invoice, note.pre_payment_amount, note.post_payment_amount);
}

/** Refunds the payments of an invoice, newest first, up to the amount. */
function refundPayments(scope: Scope, invoice: Stripe.Invoice, amount: number): Stripe.Refund[] {
  const charges = paymentsOf(scope, invoice.id).flatMap((payment) => {
    const intent = scope.state.paymentIntents.find(idOf(payment.payment.payment_intent));
    const charge = scope.state.charges.find(idOf(intent?.latest_charge));
    if (payment.status !== 'paid' || charge === undefined) return [];
    return [{ charge, left: Math.min(payment.amount_paid ?? 0, charge.amount - charge.amount_refunded) }];
  });
  if (sum(charges.map(({ left }) => left)) < amount) {
    throw invalid('The payments of this invoice do not have that much left to refund.', {
      param: 'refund_amount',
    });
  }
  let rest = amount;
  const refunds: Stripe.Refund[] = [];
  for (const { charge, left } of charges) {
    const part = Math.min(left, rest);
    if (part === 0) continue;
    refunds.push(refundCharge(scope, charge, part));
    rest -= part;
  }
  return refunds;
}

function creditCustomer(
  scope: Scope,
  invoice: Stripe.Invoice,
  note: Stripe.CreditNote,
  credit: number,
): string {
  const customer = scope.state.customers.get(idOf(invoice.customer) ?? '', { param: 'invoice' });
  const about = { credit_note: note.id, invoice: invoice.id, currency: invoice.currency };
  return postToBalance(scope, customer, 'credit_note', -credit, about).id;
}

/** `pre` and `post` are negative when a note is voided. */
function applyToInvoice(scope: Scope, invoice: Stripe.Invoice, pre: number, post: number): void {
  const previous = change(invoice, {
    amount_due: invoice.amount_due - pre,
    amount_remaining: invoice.amount_remaining - pre,
    pre_payment_credit_notes_amount: invoice.pre_payment_credit_notes_amount + pre,
    post_payment_credit_notes_amount: invoice.post_payment_credit_notes_amount + post,
  });
  if (previous !== null) emit(scope, 'invoice.updated', invoice, previous);
  if (invoice.status === 'paid') return;
  if (invoice.amount_remaining === 0) markPaid(scope, invoice, 'balance');
  else if (paymentsOf(scope, invoice.id).length === 0) openDefaultPayment(scope, invoice);
  else syncDefaultPayment(scope, invoice);
}

/** @throws Refusal unless the note only reduced the amount due of an open invoice. */
export function voidNote(scope: Scope, note: Stripe.CreditNote): void {
  const invoice = scope.state.invoices.known(idOf(note.invoice) ?? '');
  if (note.status === 'void') throw invalid('This credit note is already void.');
  if (invoice.status !== 'open') {
    throw invalid(`A credit note of an invoice that is ${invoice.status} cannot be voided.`);
  }
  change(note, { status: 'void', voided_at: scope.now });
  emit(scope, 'credit_note.voided', note);
  applyToInvoice(scope, invoice, -note.pre_payment_amount, 0);
}

/** Changes the texts and metadata that a person set on a note. */
export const updateNote = (
  scope: Scope,
  note: Stripe.CreditNote,
  changes: Partial<Pick<Stripe.CreditNote, 'memo' | 'metadata'>>,
): void => changeAndEmit(scope, 'credit_note.updated', note, changes);
