import type Stripe from 'stripe';
import { attemptPayment, type Outcome, type Session } from '../charging.ts';
import { idOf } from '../collection.ts';
import { hostedUrl } from '../hosted.ts';
import { invalid } from '../http/errors.ts';
import { change, emit, type Scope } from '../scope.ts';
import { applyBalance, postToBalance, returnBalance } from './balance.ts';
import {
  cancelOpenPayments,
  intentOf,
  markPaymentPaid,
  openDefaultPayment,
  paymentsWith,
  syncDefaultPayment,
} from './invoice-payments.ts';
import { reviveSubscription, subscriptionOf } from './subscription-status.ts';

/** An uncollectible invoice can still be paid. */
export const COLLECTABLE: readonly string[] = ['open', 'uncollectible'];

/** Changes a draft to open, or to paid if nothing is due. */
export function finalizeInvoice(scope: Scope, invoice: Stripe.Invoice): void {
  if (invoice.status !== 'draft') {
    throw invalid('This invoice is already finalized: only a draft can be.', {
      code: 'invoice_not_editable',
    });
  }
  // A customer may be deleted while their invoice is a draft.
  const customer = scope.state.customers.get(idOf(invoice.customer) ?? '', { param: 'customer' });
  applyBalance(scope, invoice, customer);
  const sequence = customer.next_invoice_sequence ?? 1;
  customer.next_invoice_sequence = sequence + 1;
  change(invoice, {
    status: 'open',
    due_date: dueDate(scope, invoice),
    hosted_invoice_url: hostedUrl(`/invoice_pages/${invoice.id}`),
    invoice_pdf: hostedUrl(`/invoice_pdfs/${invoice.id}`),
    number: `${customer.invoice_prefix}-${String(sequence).padStart(4, '0')}`,
    automatically_finalizes_at: null,
    effective_at: scope.now,
    status_transitions: { ...invoice.status_transitions, finalized_at: scope.now },
  });
  if (invoice.amount_due > 0) openDefaultPayment(scope, invoice);
  emit(scope, 'invoice.finalized', invoice);
  if (invoice.amount_due === 0) {
    invoice.attempted = true;
    markPaid(scope, invoice, 'balance');
  }
}

/** Only an invoice that is sent has a due date. */
function dueDate(scope: Scope, invoice: Stripe.Invoice): number | null {
  if (invoice.collection_method !== 'send_invoice' || invoice.due_date !== null) return invoice.due_date;
  return scope.now + (subscriptionOf(scope, invoice)?.days_until_due ?? 0) * DAY_SECONDS;
}

const DAY_SECONDS = 24 * 60 * 60;

export interface Attempt extends Session {
  readonly method: Stripe.PaymentMethod | undefined;
  /** When to retry after a failure; only the caller knows. */
  readonly retryAt: number | null;
}

/** Tries once to collect an open invoice. */
export function collect(
  scope: Scope,
  invoice: Stripe.Invoice,
  { method, retryAt, ...session }: Attempt,
): Outcome {
  change(invoice, { attempt_count: invoice.attempt_count + 1, attempted: true, next_payment_attempt: null });
  const intent = intentOf(scope, invoice);
  const outcome: Outcome =
    method === undefined
      ? {
          kind: 'declined',
          error: { type: 'invalid_request_error', message: 'There is no payment method to charge.' },
        }
      : attemptPayment(scope, intent, method, session);
  if (outcome.kind === 'succeeded') {
    intentSucceeded(scope, intent);
    return outcome;
  }
  const needsAction = outcome.kind === 'requires_action' || outcome.error.code === 'authentication_required';
  if (needsAction) emit(scope, 'invoice.payment_action_required', invoice);
  if (outcome.kind === 'declined') invoice.next_payment_attempt = retryAt;
  if (sendsPaymentFailed(scope, outcome, needsAction)) emit(scope, 'invoice.payment_failed', invoice);
  return outcome;
}

function sendsPaymentFailed({ state }: Scope, outcome: Outcome, needsAction: boolean): boolean {
  if (!needsAction) return outcome.kind === 'declined';
  const setting = state.switches.payment_failed_beside_action_required;
  return setting === 'always' || (setting === 'when_declined' && outcome.kind === 'declined');
}

/** After an intent succeeds: every invoice that waits for it gets its part, the oldest first. */
export function intentSucceeded(scope: Scope, intent: Stripe.PaymentIntent): void {
  for (const payment of paymentsWith(scope, intent.id)) {
    const invoice = scope.state.invoices.find(idOf(payment.invoice));
    if (payment.status === 'open' && invoice !== undefined) creditPayment(scope, invoice, payment, intent);
  }
}

/**
 * Credits to an invoice the money of its payment's intent that no other invoice has taken. Any excess goes to
 * the customer's balance.
 */
export function creditPayment(
  scope: Scope,
  invoice: Stripe.Invoice,
  payment: Stripe.InvoicePayment,
  intent: Stripe.PaymentIntent,
): void {
  const served = paymentsWith(scope, intent.id);
  const left = intent.amount_received - served.reduce((sum, one) => sum + (one.amount_paid ?? 0), 0);
  const othersWait = served.some((one) => one !== payment && one.status === 'open');
  const amount = othersWait ? Math.min(left, invoice.amount_remaining) : left;
  if (amount <= 0 || !COLLECTABLE.includes(invoice.status ?? '')) return;
  const over = Math.max(amount - invoice.amount_remaining, 0);
  const previous = change(invoice, {
    amount_paid: invoice.amount_paid + amount - over,
    amount_remaining: invoice.amount_remaining - amount + over,
    amount_overpaid: invoice.amount_overpaid + over,
  });
  markPaymentPaid(scope, payment, amount);
  if (over > 0) creditOverpaid(scope, invoice, over);
  if (invoice.amount_remaining === 0) {
    markPaid(scope, invoice, 'charged');
    return;
  }
  syncDefaultPayment(scope, invoice);
  emit(scope, 'invoice.updated', invoice, previous ?? {});
}

function creditOverpaid(scope: Scope, invoice: Stripe.Invoice, over: number): void {
  const customer = scope.state.customers.find(idOf(invoice.customer));
  emit(scope, 'invoice.overpaid', invoice);
  if (customer === undefined) return;
  const { id, currency } = invoice;
  postToBalance(scope, customer, 'invoice_overpaid', -over, { invoice: id, currency });
}

/** Nothing is due: charged, covered by credit, or paid outside Stripe. */
export function markPaid(
  scope: Scope,
  invoice: Stripe.Invoice,
  how: 'charged' | 'balance' | 'out_of_band',
): void {
  change(invoice, {
    status: 'paid',
    attempted: true,
    amount_paid: invoice.amount_due,
    amount_remaining: 0,
    auto_advance: false,
    next_payment_attempt: null,
    status_transitions: { ...invoice.status_transitions, paid_at: scope.now },
  });
  cancelOpenPayments(scope, invoice);
  emit(scope, 'invoice.paid', invoice);
  // Money that Stripe did not move is not a succeeded payment.
  if (how !== 'out_of_band') emit(scope, 'invoice.payment_succeeded', invoice);
  reviveSubscription(scope, invoice);
}

/** The merchant gives up collecting; the invoice can still be paid or voided. */
export function markUncollectible(
  scope: Scope,
  invoice: Stripe.Invoice,
  reason: Stripe.Invoice.StatusDetails.Uncollectible.Reason,
): void {
  change(invoice, {
    status: 'uncollectible',
    auto_advance: false,
    next_payment_attempt: null,
    status_details: { uncollectible: { reason } },
    status_transitions: { ...invoice.status_transitions, marked_uncollectible_at: scope.now },
  });
  emit(scope, 'invoice.marked_uncollectible', invoice);
}

/** Nothing is due any more, and the intent can no longer be paid. */
export function voidInvoice(scope: Scope, invoice: Stripe.Invoice): void {
  change(invoice, {
    status: 'void',
    auto_advance: false,
    next_payment_attempt: null,
    status_transitions: { ...invoice.status_transitions, voided_at: scope.now },
  });
  cancelOpenPayments(scope, invoice);
  emit(scope, 'invoice.voided', invoice);
  returnBalance(scope, invoice);
}
