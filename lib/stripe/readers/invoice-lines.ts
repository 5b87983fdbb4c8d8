import type Stripe from 'stripe';
import type { InvoiceLine, ProInvoice } from '../../domain/grants.ts';
import { allOf, PAGE } from '../paging.ts';
import type { PriceBook } from '../prices.ts';
import { idOf } from '../reference.ts';

/* Invoice lines: the amount of each, and whether it is for a subscription at a known price. */

/** All lines, even if Stripe included only the first ones in the invoice. */
export async function linesOf(
  stripe: Stripe,
  { id, lines }: Stripe.Invoice,
): Promise<readonly Stripe.InvoiceLineItem[]> {
  if (!lines.has_more) return lines.data;
  return allOf(stripe.invoices.listLineItems(id, { limit: PAGE }));
}

export async function proInvoiceOf(
  invoice: Stripe.Invoice,
  lines: readonly Stripe.InvoiceLineItem[],
  prices: PriceBook,
): Promise<ProInvoice> {
  const read: InvoiceLine[] = [];
  const unknownPriceIds: string[] = [];
  let freeUntil: number | null = null;
  for (const line of lines) {
    const fate = await priceOf(line, prices);
    const price = fate.kind === 'known' ? fate.price : null;
    const netCents = netOf(line);
    if (fate.kind === 'unknown' && netCents > 0) unknownPriceIds.push(fate.id);
    const isWhole = planPartOf(line)?.proration === false;
    const isFree = isWhole && price !== null && line.amount >= 0 && netCents <= 0;
    if (isFree) freeUntil = Math.max(freeUntil ?? 0, line.period.end);
    read.push({
      id: line.id,
      amountCents: line.amount,
      netCents,
      taxCents: addedTaxOf(line),
      quantity: line.quantity ?? 1,
      isWhole,
      price,
    });
  }
  return {
    id: invoice.id,
    isFirst: invoice.billing_reason === 'subscription_create',
    totalCents: invoice.total,
    paidCents: invoice.amount_paid,
    paid: invoice.status === 'paid',
    lines: read,
    unknownPriceIds,
    freeUntil: freeUntil === null ? null : new Date(freeUntil * 1000).toISOString(),
  };
}

async function priceOf(line: Stripe.InvoiceLineItem, prices: PriceBook) {
  const details = line.pricing?.price_details;
  const id = idOf(details?.price);
  if (id === null || planPartOf(line) === null) return { kind: 'foreign' } as const;
  const fate = await prices.find(id, idOf(details?.product));
  return { id, ...fate };
}

/** The subscription part of a line. A change within a period may come as a separate invoice item. */
export function planPartOf({ parent }: Stripe.InvoiceLineItem): {
  readonly proration: boolean;
  readonly subscription: string | null;
  /** For unused time: the invoice that paid for it; null if Stripe does not name it. */
  readonly creditedInvoice: string | null;
} | null {
  const item = parent?.invoice_item_details;
  const part = parent?.subscription_item_details ?? (item?.proration && item.subscription ? item : null);
  if (!part) return null;
  const { proration, subscription, proration_details: details } = part;
  return { proration, subscription, creditedInvoice: details?.credited_items?.invoice ?? null };
}

/** After discounts. */
export const netOf = ({ amount, discount_amounts: discounts }: Stripe.InvoiceLineItem): number =>
  amount - (discounts ?? []).reduce((sum, discount) => sum + discount.amount, 0);

/** Tax on top of the amount. Inclusive tax is part of the amount. */
export const addedTaxOf = ({ taxes }: Pick<Stripe.InvoiceLineItem, 'taxes'>): number =>
  (taxes ?? [])
    .filter(({ tax_behavior: behavior }) => behavior === 'exclusive')
    .reduce((sum, { amount }) => sum + amount, 0);
