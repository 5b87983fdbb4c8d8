import type Stripe from 'stripe';
import { bringsProCredits, type ProInvoice } from '../domain/grants.ts';
import { fixPaymentOf, fixReferenceOf, idOf, proInvoiceOf, proSubscriptionOf } from './facts.ts';
import { StripeFault } from './fault.ts';
import type {
  FailedRenewal,
  Paid,
  PaidFix,
  PaidMoney,
  ReturnedMoney,
  StripeAccount,
  Subscribed,
} from './port.ts';

/* The questions to Stripe that take more than one call, or a list. None of them changes anything. */

/** What a list brings at most in one call. */
export const PAGE = 100;
/** Bounds every search; nobody has that many payments since an attempt, or lines on an invoice. */
export const MAX_FOUND = 1_000;

export async function findCustomers(stripe: Stripe, email: string, customerId: string): Promise<string[]> {
  const { data } = await stripe.customers.list({ email, limit: PAGE });
  return data.filter(({ metadata }) => metadata['customer_id'] === customerId).map(({ id }) => id);
}

export async function readAccount(stripe: Stripe, customer: string, priceId: string): Promise<StripeAccount> {
  const found = await stripe.customers.retrieve(customer);
  if (found.deleted) return { kind: 'deleted' };
  const named = idOf(found.invoice_settings.default_payment_method);
  const [{ data }, method] = await Promise.all([
    stripe.subscriptions.list({ customer, status: 'all', limit: PAGE }),
    // Not by `expand`, which a customer who was deleted meanwhile would be refused for.
    named === null ? null : stripe.paymentMethods.retrieve(named),
  ]);
  // One that is being detached may still be named; it cannot be charged any more.
  const isUsable = idOf(method?.customer) === customer;
  return {
    kind: 'account',
    paymentMethodId: isUsable ? named : null,
    subscriptions: data
      .map((subscription) => proSubscriptionOf(subscription, priceId))
      .filter((subscription) => subscription !== null),
  };
}

export async function subscribed(
  stripe: Stripe,
  subscription: Stripe.Subscription,
  priceId: string,
): Promise<Subscribed> {
  const pro = proSubscriptionOf(subscription, priceId);
  if (pro === null) throw new StripeFault('misconfigured', { code: 'subscription_without_pro_price' });
  const invoiceId = idOf(subscription.latest_invoice);
  if (invoiceId === null) return { subscription: pro, invoice: null };
  const { latest_invoice: invoice } = subscription;
  const known = typeof invoice === 'object' && invoice !== null && !invoice.lines.has_more;
  return {
    subscription: pro,
    invoice: known
      ? proInvoiceOf(invoice, invoice.lines.data, priceId)
      : await readInvoice(stripe, invoiceId, priceId),
  };
}

export async function readInvoice(stripe: Stripe, invoiceId: string, priceId: string) {
  const invoice = await stripe.invoices.retrieve(invoiceId);
  const lines = invoice.lines.has_more
    ? await stripe.invoices.listLineItems(invoiceId, { limit: PAGE }).autoPagingToArray({ limit: MAX_FOUND })
    : invoice.lines.data;
  return proInvoiceOf(invoice, lines, priceId);
}

export async function readFailedRenewal(stripe: Stripe, invoiceId: string): Promise<FailedRenewal | null> {
  const invoice = await stripe.invoices.retrieve(invoiceId);
  const { status, billing_reason: reason, next_payment_attempt: next } = invoice;
  // Whoever subscribes hears of a decline at once; an invoice of that is gone, or is none of a renewal.
  if (reason !== 'subscription_cycle' || (status !== 'open' && status !== 'uncollectible')) return null;
  return {
    id: invoice.id,
    amountCents: invoice.amount_remaining,
    attempt: invoice.attempt_count,
    nextAttemptAt: next === null ? null : new Date(next * 1000).toISOString(),
  };
}

export async function readReturnedMoney(
  stripe: Stripe,
  chargeId: string,
  priceId: string,
): Promise<ReturnedMoney> {
  const [charge, refunds, disputes] = await Promise.all([
    stripe.charges.retrieve(chargeId),
    stripe.refunds.list({ charge: chargeId, limit: PAGE }).autoPagingToArray({ limit: MAX_FOUND }),
    stripe.disputes.list({ charge: chargeId, limit: PAGE }),
  ]);
  const refunded = refunds.filter(({ status }) => status !== 'failed' && status !== 'canceled');
  // An inquiry has not taken any money, and what was prevented was refunded instead.
  const taken = disputes.data.filter(({ status }) => !TOOK_NOTHING.test(status));
  const returned = [...refunded, ...taken].reduce((sum, { amount }) => sum + amount, 0);
  const paymentIntentId = idOf(charge.payment_intent);
  return {
    chargeId,
    stripeCustomerId: idOf(charge.customer),
    paymentIntentId,
    returnedCents: Math.min(charge.amount, returned),
    disputes: disputes.data.map(({ id, status, amount }) => ({
      id,
      open: !CLOSED.has(status),
      amountCents: amount,
    })),
    paidFor: await paidFor(stripe, charge, paymentIntentId, priceId),
  };
}

export async function isInvoiceReturned(
  stripe: Stripe,
  { id: invoice, totalCents }: Pick<ProInvoice, 'id' | 'totalCents'>,
): Promise<boolean> {
  const { data } = await stripe.invoicePayments.list({ invoice, status: 'paid', limit: PAGE });
  let returnedCents = 0;
  for (const { payment, amount_paid: paidCents } of data) {
    const intentId = idOf(payment.payment_intent);
    // What was paid past Stripe, or from the customer's balance, is refunded elsewhere, if it is.
    if (intentId === null) return false;
    const intent = await stripe.paymentIntents.retrieve(intentId, { expand: ['latest_charge'] });
    if (chargeOf(intent)?.refunded) returnedCents += paidCents ?? 0;
  }
  return returnedCents >= totalCents;
}

export async function readPaidMoney(stripe: Stripe, customer: string, priceId: string): Promise<PaidMoney> {
  const fixPayments: Paid<PaidFix>[] = [];
  const disputedChargeIds: string[] = [];
  for await (const intent of stripe.paymentIntents.list({ customer, expand: WITH_CHARGE, limit: PAGE })) {
    const payment = paidFixOf(intent);
    if (payment !== null) fixPayments.push({ ...payment, paidAt: dateOf(chargedAt(intent)) });
    const charge = chargeOf(intent);
    if (charge?.disputed) disputedChargeIds.push(charge.id);
  }
  const proInvoices: Paid<ProInvoice>[] = [];
  for await (const invoice of stripe.invoices.list({ customer, status: 'paid', limit: PAGE })) {
    const pro = await paidProOf(stripe, invoice, priceId);
    const paidAt = dateOf(invoice.status_transitions.paid_at ?? invoice.created);
    if (pro !== null) proInvoices.push({ ...pro, paidAt });
  }
  return { fixPayments, proInvoices, disputedChargeIds };
}

/** A payment can have waited for its cardholder: its charge says when it was paid, and whether it was refunded. */
export const WITH_CHARGE = ['data.latest_charge'];

/** Null for a payment that did not succeed, or is not for a fix. */
export function paidFixOf(intent: Stripe.PaymentIntent): PaidFix | null {
  const payment = fixPaymentOf(intent);
  if (payment?.state !== 'succeeded') return null;
  return { ...payment, isReturned: chargeOf(intent)?.refunded === true };
}

/** Null for an invoice that brings no credits. */
export async function paidProOf(
  stripe: Stripe,
  invoice: Stripe.Invoice,
  priceId: string,
): Promise<ProInvoice | null> {
  const pro = invoice.lines.has_more
    ? await readInvoice(stripe, invoice.id, priceId)
    : proInvoiceOf(invoice, invoice.lines.data, priceId);
  return bringsProCredits(pro) ? pro : null;
}

/** The newest charge of a payment that was asked for with it. */
const chargeOf = ({ latest_charge: charge }: Stripe.PaymentIntent): Stripe.Charge | null =>
  typeof charge === 'string' ? null : charge;

const chargedAt = (intent: Stripe.PaymentIntent): number => chargeOf(intent)?.created ?? intent.created;

const dateOf = (seconds: number): Date => new Date(seconds * 1000);

const TOOK_NOTHING = /^(won|prevented|warning_.*)$/;
const CLOSED: ReadonlySet<string> = new Set(['won', 'lost', 'warning_closed', 'prevented']);

async function paidFor(
  stripe: Stripe,
  charge: Stripe.Charge,
  paymentIntentId: string | null,
  priceId: string,
): Promise<ReturnedMoney['paidFor']> {
  const fix = fixReferenceOf(charge.metadata);
  if (fix !== null) return { kind: 'fix', fix };
  if (paymentIntentId === null) return { kind: 'other' };
  const { data } = await stripe.invoicePayments.list({
    payment: { type: 'payment_intent', payment_intent: paymentIntentId },
    limit: 1,
  });
  const invoiceId = idOf(data[0]?.invoice);
  if (invoiceId === null) return { kind: 'other' };
  return { kind: 'invoice', invoice: await readInvoice(stripe, invoiceId, priceId) };
}
