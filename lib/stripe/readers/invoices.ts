import type Stripe from 'stripe';
import { bringsProCredits, type ProInvoice } from '../../domain/grants.ts';
import { StripeFault } from '../fault.ts';
import { MAX_FOUND, PAGE } from '../paging.ts';
import type { FailedRenewal, Subscribed } from '../port.ts';
import { idOf } from '../reference.ts';
import { proSubscriptionOf } from './account.ts';

/* Invoices, and what their lines pay for. */

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

export function proInvoiceOf(
  invoice: Stripe.Invoice,
  lines: readonly Stripe.InvoiceLineItem[],
  priceId: string,
): ProInvoice {
  return {
    id: invoice.id,
    totalCents: invoice.total,
    billingReason: invoice.billing_reason ?? 'unknown',
    paid: invoice.status === 'paid',
    hasProLine: lines.some((line) => paysForPro(line, priceId)),
  };
}

function paysForPro({ pricing, parent }: Stripe.InvoiceLineItem, priceId: string): boolean {
  const price = idOf(pricing?.price_details?.price);
  return price === priceId && parent?.subscription_item_details?.proration === false;
}
