import type Stripe from 'stripe';
import { allOf, PAGE } from '../paging.ts';
import { idOf } from '../reference.ts';
import { translateError } from '../translate-error.ts';
import { addedTaxOf, linesOf, netOf, planPartOf } from './invoice-lines.ts';

/*
 * Credited unused time: negative lines on an invoice for time that an earlier invoice charged. Made by a
 * cancellation with credit, or a change of plan or seats.
 */

/** What later invoices credit of this one, in cents with tax. */
export async function unusedTimeOf(stripe: Stripe, invoice: Stripe.Invoice): Promise<number> {
  const listed = await invoicesBeside(stripe, invoice, { created: { gte: invoice.created } });
  let cents = 0;
  for (const later of listed.filter(isFinal)) {
    for (const line of await creditingLines(stripe, later)) {
      const credited = planPartOf(line)?.creditedInvoice ?? (await bestMatch(stripe, line, later, listed));
      if (credited === invoice.id) cents -= netOf(line) + addedTaxOf(line);
    }
  }
  return cents;
}

/** The invoices whose unused time this invoice credits. */
export async function creditedInvoicesOf(stripe: Stripe, invoice: Stripe.Invoice): Promise<string[]> {
  const credited = new Set<string>();
  for (const line of await creditingLines(stripe, invoice)) {
    const named = planPartOf(line)?.creditedInvoice ?? null;
    if (named !== null) credited.add(named);
    if (named !== null) continue;
    const earlier = await invoicesBeside(stripe, invoice, {
      status: 'paid',
      created: { lte: invoice.created },
    });
    const found = await bestMatch(stripe, line, invoice, earlier);
    if (found !== null) credited.add(found);
  }
  return [...credited];
}

/**
 * Other invoices of the customer. For a deleted customer Stripe lists none; then those of the subscription.
 */
async function invoicesBeside(
  stripe: Stripe,
  { customer: holder, parent }: Stripe.Invoice,
  filter: Pick<Stripe.InvoiceListParams, 'created' | 'status'>,
): Promise<readonly Stripe.Invoice[]> {
  const list = (of: Pick<Stripe.InvoiceListParams, 'customer' | 'subscription'>) =>
    allOf(stripe.invoices.list({ ...of, ...filter, limit: PAGE }));
  const customer = idOf(holder);
  const subscription = idOf(parent?.subscription_details?.subscription);
  const bySubscription = async () => (subscription === null ? [] : list({ subscription }));
  if (customer === null) return bySubscription();
  try {
    return await list({ customer });
  } catch (error) {
    if (translateError(error).kind !== 'refused') throw error;
    return bySubscription();
  }
}

/** Finalized and not void. */
const isFinal = ({ status }: Stripe.Invoice): boolean =>
  status === 'open' || status === 'paid' || status === 'uncollectible';

async function creditingLines(
  stripe: Stripe,
  invoice: Stripe.Invoice,
): Promise<readonly Stripe.InvoiceLineItem[]> {
  const lines = await linesOf(stripe, invoice);
  return lines.filter((line) => line.amount < 0 && planPartOf(line)?.proration === true);
}

/**
 * Used if Stripe does not name the credited invoice: the subscription's newest paid invoice whose period
 * contains the line's.
 * @param invoices the newest first
 */
async function bestMatch(
  stripe: Stripe,
  line: Stripe.InvoiceLineItem,
  on: Stripe.Invoice,
  invoices: readonly Stripe.Invoice[],
): Promise<string | null> {
  const subscription = planPartOf(line)?.subscription ?? null;
  for (const invoice of invoices) {
    if (invoice.id === on.id || invoice.status !== 'paid' || invoice.created > on.created) continue;
    const lines = await linesOf(stripe, invoice);
    const contains = lines.some(
      (one) =>
        one.amount > 0 &&
        planPartOf(one)?.subscription === subscription &&
        one.period.start <= line.period.start &&
        line.period.end <= one.period.end,
    );
    if (contains) return invoice.id;
  }
  return null;
}
