import type Stripe from 'stripe';
import { bringsProCredits, type ProInvoice } from '../../domain/grants.ts';
import { StripeFault } from '../fault.ts';
import { MAX_FOUND, PAGE } from '../paging.ts';
import type { FailedRenewal, Subscribed } from '../port.ts';
import type { PriceBook } from '../prices.ts';
import { idOf } from '../reference.ts';
import { proSubscriptionOf } from './account.ts';

/* Invoices, and what their lines pay for. */

export async function subscribed(
  stripe: Stripe,
  subscription: Stripe.Subscription,
  prices: PriceBook,
): Promise<Subscribed> {
  const pro = await proSubscriptionOf(subscription, prices);
  if (pro === null) throw new StripeFault('misconfigured', { code: 'subscription_without_pro_price' });
  const invoiceId = idOf(subscription.latest_invoice);
  if (invoiceId === null) return { subscription: pro, invoice: null };
  const { latest_invoice: invoice } = subscription;
  const known = typeof invoice === 'object' && invoice !== null && !invoice.lines.has_more;
  return {
    subscription: pro,
    invoice: known
      ? await proInvoiceOf(invoice, invoice.lines.data, prices)
      : await readInvoice(stripe, invoiceId, prices),
  };
}

export async function readInvoice(stripe: Stripe, invoiceId: string, prices: PriceBook) {
  const invoice = await stripe.invoices.retrieve(invoiceId);
  const lines = invoice.lines.has_more
    ? await stripe.invoices.listLineItems(invoiceId, { limit: PAGE }).autoPagingToArray({ limit: MAX_FOUND })
    : invoice.lines.data;
  return proInvoiceOf(invoice, lines, prices);
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

/** Null for an invoice that brings no credits. */
export async function paidProOf(
  stripe: Stripe,
  invoice: Stripe.Invoice,
  prices: PriceBook,
): Promise<ProInvoice | null> {
  const pro = invoice.lines.has_more
    ? await readInvoice(stripe, invoice.id, prices)
    : await proInvoiceOf(invoice, invoice.lines.data, prices);
  return bringsProCredits(pro) ? pro : null;
}

export async function proInvoiceOf(
  invoice: Stripe.Invoice,
  lines: readonly Stripe.InvoiceLineItem[],
  prices: PriceBook,
): Promise<ProInvoice> {
  const paying = await Promise.all(lines.map((line) => paysForPlan(line, prices)));
  return {
    id: invoice.id,
    totalCents: invoice.total,
    billingReason: invoice.billing_reason ?? 'unknown',
    paid: invoice.status === 'paid',
    hasProLine: paying.includes(true),
  };
}

async function paysForPlan({ pricing, parent }: Stripe.InvoiceLineItem, prices: PriceBook): Promise<boolean> {
  const details = pricing?.price_details;
  const price = idOf(details?.price);
  if (price === null || parent?.subscription_item_details?.proration !== false) return false;
  return (await prices.find(price, idOf(details?.product))).kind === 'known';
}
