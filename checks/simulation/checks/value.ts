import type Stripe from 'stripe';
import type { Item } from '../../../lib/store/table.ts';
import type { Double } from '../../../local/stripe-double/double.ts';
import type { Stored } from './stored.ts';
import { addTo } from './sums.ts';

/*
 * What the credits of every invoice should be, worked out from Stripe's objects alone. Written from the specification of
 * the money rules; it shares no code with the service.
 */

type State = Double['state'];

/** For each paid invoice that brings credits, what the ledger should have granted and taken back. */
export interface Expected {
  readonly customer: string;
  readonly granted: number;
  readonly takenBack: number;
}

/** Credits of a whole unit and its price in cents, by price id. */
type KnownPrices = ReadonlyMap<string, { readonly credits: number; readonly unitCents: number }>;

const knownPrices = ({ prices }: State): KnownPrices =>
  new Map(
    prices.newestFirst.flatMap(({ id, metadata, unit_amount: unitCents }) =>
      metadata['plan'] === undefined || unitCents === null
        ? []
        : [[id, { credits: Number(metadata['credits']), unitCents }] as const],
    ),
  );

export function expectedCredits(state: State): Map<string, Expected> {
  const prices = knownPrices(state);
  const returned = returnedByInvoice(state);
  const expected = new Map<string, Expected>();
  for (const invoice of state.invoices.newestFirst) {
    if (invoice.status !== 'paid') continue;
    const granted = invoice.lines.data.reduce((sum, line) => sum + creditsOf(line, prices), 0);
    const sold = soldCents(invoice);
    if (granted === 0 || sold <= 0) continue;
    const back = Math.min(sold, returned.get(invoice.id) ?? 0);
    const takenBack = Math.floor((granted * back) / sold);
    expected.set(invoice.id, { customer: String(invoice.customer), granted, takenBack });
  }
  return expected;
}

/** Whole periods bring the credits of the price for each unit; a part of a period brings its share, rounded down. */
function creditsOf(line: Stripe.InvoiceLineItem, prices: KnownPrices): number {
  const details = line.parent?.subscription_item_details;
  const price = prices.get(String(line.pricing?.price_details?.price));
  if (details === undefined || details === null || price === undefined) return 0;
  if (afterDiscount(line) <= 0) return 0;
  if (!details.proration) return price.credits * (line.quantity ?? 1);
  return Math.floor((price.credits * line.amount) / price.unitCents);
}

const sum = (amounts: readonly { readonly amount: number }[] | null | undefined): number =>
  (amounts ?? []).reduce((total, { amount }) => total + amount, 0);

const afterDiscount = (line: Stripe.InvoiceLineItem): number => line.amount - sum(line.discount_amounts);

/** Positive lines after discount, with the tax on top of them. */
const soldCents = ({ lines }: Stripe.Invoice): number =>
  lines.data
    .filter((line) => afterDiscount(line) > 0)
    .reduce(
      (total, line) =>
        total +
        afterDiscount(line) +
        sum(line.taxes?.filter(({ tax_behavior: behaviour }) => behaviour === 'exclusive')),
      0,
    );

/** Money and value that went back, by invoice, over all of its payments. */
function returnedByInvoice(state: State): ReadonlyMap<string, number> {
  const returned = new Map<string, number>();
  const invoicesOfCharge = new Map<string, string>();
  for (const { invoice, payment, status } of state.invoicePayments.newestFirst) {
    if (status !== 'paid') continue;
    for (const charge of state.charges.newestFirst) {
      if (charge.paid && charge.payment_intent === payment.payment_intent)
        invoicesOfCharge.set(charge.id, String(invoice));
    }
  }
  const note = (invoice: string | undefined, cents: number) => {
    if (invoice !== undefined) addTo(returned, invoice, cents);
  };
  for (const { charge, status, amount } of state.refunds.newestFirst) {
    if (status !== 'failed' && status !== 'canceled') note(invoicesOfCharge.get(String(charge)), amount);
  }
  for (const { charge, balance_transactions: moved } of state.disputes.newestFirst) {
    note(invoicesOfCharge.get(String(charge)), -sum(moved));
  }
  for (const one of state.creditNotes.newestFirst) {
    if (one.status === 'void') continue;
    note(
      String(one.invoice),
      one.pre_payment_amount + creditedToBalance(state, one) + (one.out_of_band_amount ?? 0),
    );
  }
  for (const invoice of state.invoices.newestFirst) {
    if (invoice.status === 'draft' || invoice.status === 'void') continue;
    for (const line of invoice.lines.data)
      if (line.amount < 0) note(creditedBy(state, line, invoice), -line.amount);
  }
  return returned;
}

/** What of a credit note went to the customer's balance. */
function creditedToBalance(state: State, { customer_balance_transaction: entry }: Stripe.CreditNote): number {
  if (entry === null) return 0;
  const found = typeof entry === 'string' ? state.balanceEntries.find(entry) : entry;
  return found === undefined ? 0 : -found.amount;
}

/** The invoice whose line a negative proration line credits; where Stripe does not say, the newest one before. */
function creditedBy(state: State, line: Stripe.InvoiceLineItem, on: Stripe.Invoice): string | undefined {
  const details = line.parent?.subscription_item_details ?? line.parent?.invoice_item_details;
  if (details === undefined || details === null || !details.proration) return undefined;
  const named = details.proration_details?.credited_items?.invoice;
  if (named !== undefined) return named;
  return state.invoices.newestFirst
    .filter(({ id, status, created }) => status === 'paid' && id !== on.id && created <= on.created)
    .find(({ lines }) =>
      lines.data.some(
        (other) =>
          other.amount > 0 &&
          other.parent?.subscription_item_details?.subscription === details.subscription &&
          other.period.start <= line.period.start &&
          line.period.end <= other.period.end,
      ),
    )?.id;
}

/** What the ledger has granted and taken back for each invoice, by its entries: net credits, debt counted as taken. */
function creditsInLedger(entries: readonly Item[]): ReadonlyMap<string, number> {
  const net = new Map<string, number>();
  for (const { amount, metadata } of entries) {
    if (typeof metadata !== 'object' || metadata === null) continue;
    const invoice: unknown = Reflect.get(metadata, 'invoice_id');
    if (typeof invoice !== 'string') continue;
    addTo(net, invoice, Number(amount) - Number(Reflect.get(metadata, 'debt_change') ?? 0));
  }
  return net;
}

/** Invoices whose credits are not what was sold less what was returned. */
export function wrongInvoices(state: State, stored: Stored): string[] {
  const expected = expectedCredits(state);
  const actual = creditsInLedger(stored.entries);
  const all = new Set([...expected.keys(), ...actual.keys()]);
  return [...all].flatMap((id) => {
    const found = expected.get(id);
    if (found !== undefined && stored.ownerOf(found.customer) === undefined) return [];
    const { granted = 0, takenBack = 0 } = found ?? {};
    const net = actual.get(id) ?? 0;
    if (net === granted - takenBack) return [];
    return [`invoice ${id} left ${net} credits; ${granted} were sold, ${takenBack} of them returned`];
  });
}
