import type Stripe from 'stripe';
import { PAGE } from '../paging.ts';
import type { OpenRenewal } from '../port.ts';
import type { PriceBook } from '../prices.ts';
import { idOf } from '../reference.ts';

/* Which period of a subscription is paid. */

/**
 * The end of the newest paid period at a known price, in Unix seconds; null while no period is paid. A paid
 * invoice of $0, such as a trial's, covers its period too.
 * @param subscription with its latest invoice, which usually suffices without another call
 * @param currentEnd of the item at a known price
 */
export async function readCoverage(
  stripe: Stripe,
  { id, latest_invoice: latest }: Stripe.Subscription,
  currentEnd: number,
  prices: PriceBook,
): Promise<number | null> {
  if (typeof latest === 'object' && latest !== null && latest.status === 'paid') {
    const end = await coverageOf(stripe, latest, prices);
    if (end !== null && end >= currentEnd) return end;
  }
  let newest: number | null = null;
  for await (const invoice of stripe.invoices.list({ subscription: id, status: 'paid', limit: PAGE })) {
    const end = await coverageOf(stripe, invoice, prices);
    if (end !== null && (newest === null || end > newest)) newest = end;
  }
  return newest;
}

/**
 * Stripe lists the newest first. Other invoices are skipped.
 * @param isAsked a person asked to pay: if no invoice is open, the newest one counts if it is uncollectible.
 * Stripe has given up collecting such an invoice but accepts its payment, so no event alone pays it. The
 * period of an older uncollectible invoice is over.
 */
export async function findOpenRenewal(
  stripe: Stripe,
  subscription: string,
  isAsked: boolean,
  prices: PriceBook,
): Promise<OpenRenewal | null> {
  const newest = async (which: { readonly status?: 'open' }): Promise<Stripe.Invoice | null> => {
    for await (const invoice of stripe.invoices.list({ ...which, subscription, limit: PAGE })) {
      if ((await coverageOf(stripe, invoice, prices)) !== null) return invoice;
    }
    return null;
  };
  const open = await newest({ status: 'open' });
  if (open !== null) return renewalOf(open);
  const last = isAsked ? await newest({}) : null;
  return last?.status === 'uncollectible' ? renewalOf(last) : null;
}

const renewalOf = ({ id, amount_remaining: amountCents }: Stripe.Invoice): OpenRenewal => ({
  invoiceId: id,
  amountCents,
});

/** The end of the period that an invoice is for, in Unix seconds; null without a line at a known price. */
export async function coverageOf(
  stripe: Stripe,
  invoice: Stripe.Invoice,
  prices: PriceBook,
): Promise<number | null> {
  const { data, has_more: hasMore } = invoice.lines;
  const lines = hasMore ? stripe.invoices.listLineItems(invoice.id, { limit: PAGE }) : data;
  let end: number | null = null;
  for await (const line of lines) {
    if ((end === null || line.period.end > end) && (await covers(line, prices))) end = line.period.end;
  }
  return end;
}

/** A proration for unused time names the period that was given up. */
async function covers(
  { pricing, parent, amount }: Stripe.InvoiceLineItem,
  prices: PriceBook,
): Promise<boolean> {
  const isProration = parent?.subscription_item_details?.proration !== false;
  const details = pricing?.price_details;
  const price = idOf(details?.price);
  if (price === null || (isProration && amount <= 0)) return false;
  return (await prices.find(price, idOf(details?.product))).kind === 'known';
}
