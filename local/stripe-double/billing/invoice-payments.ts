import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import { buildIntent } from '../resources/payment-intent-build.ts';
import { change, emit, type Scope } from '../scope.ts';

const INTENT_DESCRIPTIONS: Readonly<Record<string, string>> = {
  subscription_create: 'Subscription creation',
  subscription_cycle: 'Subscription update',
};

/**
 * Adds the default payment, which every open invoice has, and its intent. Stripe keeps the amount of both
 * equal to the remaining amount.
 */
export function openDefaultPayment(scope: Scope, invoice: Stripe.Invoice): void {
  const intent = scope.state.paymentIntents.add({
    ...buildIntent(scope, {
      amount: invoice.amount_remaining,
      currency: invoice.currency,
      customer: idOf(invoice.customer),
      description: INTENT_DESCRIPTIONS[invoice.billing_reason ?? ''] ?? 'Payment for Invoice',
      // The subscription's metadata stays on its invoice; the intent starts with none.
      metadata: {},
    }),
  });
  addPayment(scope, invoice, intent, true);
  emit(scope, 'payment_intent.created', intent);
}

export function addPayment(
  scope: Scope,
  invoice: Stripe.Invoice,
  intent: Stripe.PaymentIntent,
  isDefault: boolean,
): Stripe.InvoicePayment {
  return scope.state.invoicePayments.add({
    id: scope.newId('inpay'),
    object: 'invoice_payment',
    amount_paid: null,
    amount_requested: isDefault ? invoice.amount_remaining : intent.amount,
    created: scope.now,
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: isDefault,
    livemode: false,
    payment: { payment_intent: intent.id, type: 'payment_intent' },
    status: 'open',
    status_transitions: { canceled_at: null, paid_at: null },
  });
}

/** Records that this payment paid `amount` cents of an invoice. */
export function markPaymentPaid(scope: Scope, payment: Stripe.InvoicePayment, amount: number): void {
  change(payment, {
    status: 'paid',
    amount_paid: amount,
    status_transitions: { ...payment.status_transitions, paid_at: scope.now },
  });
  emit(scope, 'invoice_payment.paid', payment);
}

/** Sets the amount of the open default payment, and of its intent, to the remaining amount. */
export function syncDefaultPayment(scope: Scope, invoice: Stripe.Invoice): void {
  const payment = defaultPaymentOf(scope, invoice.id);
  if (payment?.status !== 'open' || invoice.amount_remaining === 0) return;
  payment.amount_requested = invoice.amount_remaining;
  scope.state.paymentIntents.known(idOf(payment.payment.payment_intent) ?? '').amount =
    invoice.amount_remaining;
}

/** The invoice is settled: cancels its open payments, and the intent of the default payment. */
export function cancelOpenPayments(scope: Scope, invoice: Stripe.Invoice): void {
  for (const payment of paymentsOf(scope, invoice.id)) {
    if (payment.status === 'open') cancelPayment(scope, payment);
  }
}

export function cancelPayment(scope: Scope, payment: Stripe.InvoicePayment): void {
  change(payment, {
    status: 'canceled',
    status_transitions: { ...payment.status_transitions, canceled_at: scope.now },
  });
  const intent = scope.state.paymentIntents.known(idOf(payment.payment.payment_intent) ?? '');
  // An attached intent belongs to its creator.
  if (!payment.is_default || intent.status === 'succeeded' || intent.status === 'canceled') return;
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

export const defaultPaymentOf = (
  scope: Pick<Scope, 'state'>,
  invoiceId: string,
): Stripe.InvoicePayment | undefined => paymentsOf(scope, invoiceId).find((one) => one.is_default);

/** The intent of the default payment. */
export const intentOf = (scope: Scope, invoice: Stripe.Invoice): Stripe.PaymentIntent =>
  scope.state.paymentIntents.known(idOf(defaultPaymentOf(scope, invoice.id)?.payment.payment_intent) ?? '');

/** The invoice payments of an intent, the oldest first. */
export const paymentsWith = (scope: Pick<Scope, 'state'>, intentId: string): Stripe.InvoicePayment[] =>
  scope.state.invoicePayments.newestFirst.filter((one) => one.payment.payment_intent === intentId).reverse();
