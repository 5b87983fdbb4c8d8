import type Stripe from 'stripe';
import { attemptPayment, type Outcome, type Session } from '../charging.ts';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import { buildIntent } from '../resources/payment-intent-build.ts';
import { change, changeAndEmit, emit, type Scope } from '../scope.ts';
import { reviveSubscription } from './subscription-status.ts';

/** From draft to open, or to paid where nothing is left to pay. */
export function finalizeInvoice(scope: Scope, invoice: Stripe.Invoice): void {
  if (invoice.status !== 'draft') {
    throw invalid('This invoice is already finalized: only a draft can be.', {
      code: 'invoice_not_editable',
    });
  }
  // A customer may be deleted while their invoice is a draft.
  const customer = scope.state.customers.get(idOf(invoice.customer) ?? '', { param: 'customer' });
  useBalance(scope, invoice, customer);
  const sequence = customer.next_invoice_sequence ?? 1;
  customer.next_invoice_sequence = sequence + 1;
  change(invoice, {
    status: 'open',
    number: `${customer.invoice_prefix}-${String(sequence).padStart(4, '0')}`,
    automatically_finalizes_at: null,
    effective_at: scope.now,
    status_transitions: { ...invoice.status_transitions, finalized_at: scope.now },
  });
  if (invoice.amount_due > 0) openPayment(scope, invoice);
  emit(scope, 'invoice.finalized', invoice);
  if (invoice.amount_due === 0) {
    invoice.attempted = true;
    markPaid(scope, invoice, 'balance');
  }
}

/** A credit of the customer pays first; what they owe is added. */
function useBalance(scope: Scope, invoice: Stripe.Invoice, customer: Stripe.Customer): void {
  const wanted = invoice.total + customer.balance;
  const due = Math.max(wanted, 0);
  const balance = Math.min(wanted, 0);
  change(invoice, {
    starting_balance: customer.balance,
    ending_balance: balance,
    amount_due: due,
    amount_remaining: due,
  });
  changeAndEmit(scope, 'customer.updated', customer, { balance });
}

function openPayment(scope: Scope, invoice: Stripe.Invoice): void {
  const intent = scope.state.paymentIntents.add({
    ...buildIntent(scope, {
      amount: invoice.amount_due,
      currency: invoice.currency,
      customer: idOf(invoice.customer),
      description: INTENT_DESCRIPTIONS[invoice.billing_reason ?? ''] ?? 'Payment for Invoice',
      // The metadata of a subscription stays on its invoice; the intent starts without any.
      metadata: {},
    }),
  });
  scope.state.invoicePayments.add({
    id: scope.newId('inpay'),
    object: 'invoice_payment',
    amount_paid: null,
    amount_requested: invoice.amount_due,
    created: scope.now,
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: false,
    payment: { payment_intent: intent.id, type: 'payment_intent' },
    status: 'open',
    status_transitions: { canceled_at: null, paid_at: null },
  });
  emit(scope, 'payment_intent.created', intent);
}

const INTENT_DESCRIPTIONS: Readonly<Record<string, string>> = {
  subscription_create: 'Subscription creation',
  subscription_cycle: 'Subscription update',
};

export interface Attempt extends Session {
  readonly method: Stripe.PaymentMethod | undefined;
  /** When it is tried again should this fail; only the caller knows. */
  readonly retryAt: number | null;
}

/** One try to collect an open invoice. */
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
    markPaid(scope, invoice, 'charged');
    return outcome;
  }
  const asks = outcome.kind === 'requires_action' || outcome.error.code === 'authentication_required';
  if (asks) emit(scope, 'invoice.payment_action_required', invoice);
  if (outcome.kind === 'declined') invoice.next_payment_attempt = retryAt;
  if (tellsOfFailure(scope, outcome, asks)) emit(scope, 'invoice.payment_failed', invoice);
  return outcome;
}

function tellsOfFailure({ state }: Scope, outcome: Outcome, asks: boolean): boolean {
  if (!asks) return outcome.kind === 'declined';
  const told = state.switches.payment_failed_beside_action_required;
  return told === 'always' || (told === 'when_declined' && outcome.kind === 'declined');
}

/** The customer paid the intent of an invoice by themselves: the invoice is paid with it. */
export function intentSucceeded(scope: Scope, intent: Stripe.PaymentIntent): void {
  const invoice = invoiceOfIntent(scope, intent);
  if (invoice?.status === 'open') markPaid(scope, invoice, 'charged');
}

export function invoiceOfIntent(scope: Scope, intent: Stripe.PaymentIntent): Stripe.Invoice | undefined {
  const payment = scope.state.invoicePayments.newestFirst.find(
    (one) => one.payment.payment_intent === intent.id,
  );
  return scope.state.invoices.find(idOf(payment?.invoice));
}

export function markPaid(
  scope: Scope,
  invoice: Stripe.Invoice,
  how: 'charged' | 'balance' | 'out_of_band',
): void {
  const due = invoice.amount_due;
  change(invoice, {
    status: 'paid',
    attempted: true,
    amount_paid: due,
    amount_remaining: 0,
    auto_advance: false,
    next_payment_attempt: null,
    status_transitions: { ...invoice.status_transitions, paid_at: scope.now },
  });
  for (const payment of paymentsOf(scope, invoice.id)) {
    if (payment.status !== 'open') continue;
    if (how === 'charged') {
      payment.status = 'paid';
      payment.amount_paid = due;
      payment.status_transitions = { ...payment.status_transitions, paid_at: scope.now };
      emit(scope, 'invoice_payment.paid', payment);
    } else {
      cancelPayment(scope, payment);
    }
  }
  emit(scope, 'invoice.paid', invoice);
  // Money that Stripe did not move was not a payment that succeeded.
  if (how !== 'out_of_band') emit(scope, 'invoice.payment_succeeded', invoice);
  reviveSubscription(scope, invoice);
}

/** Nothing is owed any more, and the intent cannot be paid any more. */
export function voidInvoice(scope: Scope, invoice: Stripe.Invoice): void {
  change(invoice, {
    status: 'void',
    auto_advance: false,
    next_payment_attempt: null,
    status_transitions: { ...invoice.status_transitions, voided_at: scope.now },
  });
  for (const payment of paymentsOf(scope, invoice.id)) cancelPayment(scope, payment);
  emit(scope, 'invoice.voided', invoice);
}

function cancelPayment(scope: Scope, payment: Stripe.InvoicePayment): void {
  const intent = scope.state.paymentIntents.known(idOf(payment.payment.payment_intent) ?? '');
  payment.status = 'canceled';
  payment.status_transitions = { ...payment.status_transitions, canceled_at: scope.now };
  if (intent.status === 'succeeded' || intent.status === 'canceled') return;
  change(intent, {
    status: 'canceled',
    canceled_at: scope.now,
    cancellation_reason: 'void_invoice',
    next_action: null,
  });
  emit(scope, 'payment_intent.canceled', intent);
}

export const paymentsOf = (scope: Pick<Scope, 'state'>, invoiceId: string): Stripe.InvoicePayment[] =>
  scope.state.invoicePayments.newestFirst.filter((payment) => payment.invoice === invoiceId);

export function intentOf(scope: Scope, invoice: Stripe.Invoice): Stripe.PaymentIntent {
  const [payment] = paymentsOf(scope, invoice.id);
  return scope.state.paymentIntents.known(idOf(payment?.payment.payment_intent) ?? '');
}
