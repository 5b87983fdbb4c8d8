import type Stripe from 'stripe';
import { bringsCredits, NOTHING_RETURNED, type ProInvoice } from '../../domain/grants.ts';
import { StripeFault } from '../fault.ts';
import { PAGE } from '../paging.ts';
import type { FailedRenewal, InvoiceReach, InvoiceValue, Subscribed } from '../port.ts';
import type { PriceBook } from '../prices.ts';
import { idOf } from '../reference.ts';
import { proSubscriptionOf } from './account.ts';
import { coverageOf } from './coverage.ts';
import { linesOf, proInvoiceOf } from './invoice-lines.ts';
import { readReturnedValue } from './returned-value.ts';
import { creditedInvoicesOf } from './unused-time.ts';

/* Invoices, and what their lines pay for. */

/** An ordered subscription with its first invoice, which says whether the order is paid. */
export async function subscribed(
  stripe: Stripe,
  subscription: Stripe.Subscription,
  prices: PriceBook,
): Promise<Subscribed> {
  const pro = await proSubscriptionOf(subscription, prices);
  if (pro === null) throw new StripeFault('misconfigured', { code: 'subscription_without_pro_price' });
  const invoice = await firstInvoice(stripe, subscription);
  return { subscription: pro, invoice: invoice === null ? null : await withLines(stripe, invoice, prices) };
}

/**
 * A later invoice says nothing about the order: a renewal, or a change of the subscription at Stripe. If no
 * invoice has the label of a first one, the oldest counts: Stripe lists the newest first.
 */
async function firstInvoice(
  stripe: Stripe,
  { id, latest_invoice: latest }: Stripe.Subscription,
): Promise<Stripe.Invoice | null> {
  if (latest === null) return null;
  if (typeof latest === 'object' && isFirst(latest)) return latest;
  let oldest: Stripe.Invoice | null = null;
  for await (const invoice of stripe.invoices.list({ subscription: id, limit: PAGE })) {
    if (isFirst(invoice)) return invoice;
    oldest = invoice;
  }
  return oldest;
}

const isFirst = ({ billing_reason: reason }: Stripe.Invoice): boolean => reason === 'subscription_create';

export async function readInvoice(stripe: Stripe, invoiceId: string, prices: PriceBook): Promise<ProInvoice> {
  return withLines(stripe, await stripe.invoices.retrieve(invoiceId), prices);
}

const withLines = async (stripe: Stripe, invoice: Stripe.Invoice, prices: PriceBook): Promise<ProInvoice> =>
  proInvoiceOf(invoice, await linesOf(stripe, invoice), prices);

export async function readInvoiceValue(
  stripe: Stripe,
  invoiceId: string,
  prices: PriceBook,
  { hasBrought }: { readonly hasBrought: boolean },
): Promise<InvoiceValue> {
  const invoice = await stripe.invoices.retrieve(invoiceId);
  const pro = await withLines(stripe, invoice, prices);
  const counts = hasBrought || bringsCredits(pro);
  return { invoice: pro, returned: counts ? await readReturnedValue(stripe, invoice) : NOTHING_RETURNED };
}

export async function readInvoiceReach(
  stripe: Stripe,
  invoiceId: string,
  prices: PriceBook,
): Promise<InvoiceReach> {
  const invoice = await stripe.invoices.retrieve(invoiceId);
  const { paid, unknownPriceIds } = await withLines(stripe, invoice, prices);
  return {
    stripeCustomerId: idOf(invoice.customer),
    isPaid: paid,
    unknownPriceIds: paid ? unknownPriceIds : [],
    creditedInvoiceIds: invoice.status === 'draft' ? [] : await creditedInvoicesOf(stripe, invoice),
  };
}

/** Judged by its lines: Stripe does not document the label of an invoice after a trial or a resumption. */
export async function readFailedRenewal(
  stripe: Stripe,
  invoiceId: string,
  prices: PriceBook,
): Promise<FailedRenewal | null> {
  const invoice = await stripe.invoices.retrieve(invoiceId, { expand: [PAYMENT_INTENTS, SUBSCRIPTION] });
  const { status, next_payment_attempt: next } = invoice;
  if (status !== 'open' && status !== 'uncollectible') return null;
  if (!isLater(invoice) || (await coverageOf(stripe, invoice, prices)) === null) return null;
  const failure = failureOf(invoice);
  return {
    id: invoice.id,
    number: invoice.number,
    amountCents: invoice.amount_remaining,
    attempt: invoice.attempt_count,
    nextAttemptAt: next === null ? null : new Date(next * 1000).toISOString(),
    declineCode: failure?.decline_code ?? failure?.code ?? null,
    cardKey: cardOf(failure),
  };
}

const PAYMENT_INTENTS = 'payments.data.payment.payment_intent';
const SUBSCRIPTION = 'parent.subscription_details.subscription';

/**
 * Whether a subscription has this invoice after its first one. The order itself returns the decline of a
 * first invoice, even of one without the label: its subscription is incomplete.
 */
function isLater(invoice: Stripe.Invoice): boolean {
  const subscription = invoice.parent?.subscription_details?.subscription;
  if (!subscription || isFirst(invoice)) return false;
  return typeof subscription === 'string' || !NEVER_PAID.has(subscription.status);
}

const NEVER_PAID: ReadonlySet<string> = new Set(['incomplete', 'incomplete_expired']);

/** The error of the last try. */
function failureOf({ payments }: Stripe.Invoice): Stripe.PaymentIntent.LastPaymentError | null {
  const intents = payments?.data
    .map(({ payment }) => payment.payment_intent)
    .filter((intent) => typeof intent === 'object' && intent !== null)
    // The order in which Stripe lists the payments of an invoice is not documented.
    .toSorted((a, b) => a.created - b.created);
  const failures = (intents ?? []).map((intent) => intent.last_payment_error);
  return failures.findLast((one) => one?.payment_method) ?? failures.findLast((one) => one) ?? null;
}

/** The card of the last try. After a decline, only the payment's error names the card. */
function cardOf(failure: Stripe.PaymentIntent.LastPaymentError | null): string | null {
  const method = failure?.payment_method;
  return method === undefined ? null : (method.card?.fingerprint ?? method.id);
}

/** Null for an invoice that brings no credits. */
export async function paidProOf(
  stripe: Stripe,
  invoice: Stripe.Invoice,
  prices: PriceBook,
): Promise<ProInvoice | null> {
  const pro = await withLines(stripe, invoice, prices);
  return bringsCredits(pro) ? pro : null;
}
