import type Stripe from 'stripe';
import type { Double } from '../../local/stripe-double/double.ts';

/*
 * Computes what each invoice sold, what of it was returned, and the resulting credits. Input: Stripe's
 * objects. Source: the text of the money rules. It shares no code with the service, so a wrong rule there
 * cannot hide here.
 */

type State = Double['state'];
type Line = Stripe.InvoiceLineItem;

/** For a paid invoice that grants credits: what the ledger must have granted and taken back. */
export interface InvoiceCredits {
  readonly customer: string;
  readonly granted: number;
  readonly takenBack: number;
}

/** Credits and price in cents per unit, by price id. */
type Prices = ReadonlyMap<string, { readonly credits: number; readonly unitCents: number }>;

/** Cents returned to the customer: for the invoice as a whole, and for lines named by a credit note. */
class Returned {
  whole = 0;
  readonly ofLines = new Map<string, number>();

  nameLine(id: string, cents: number): void {
    this.ofLines.set(id, (this.ofLines.get(id) ?? 0) + cents);
  }
}

/** By invoice. Omits invoices that are unpaid or grant no credits. */
export function creditsOfInvoices(state: State): Map<string, InvoiceCredits> {
  const prices = pricesOf(state);
  const returned = returnedValue(state);
  const found = new Map<string, InvoiceCredits>();
  for (const invoice of state.invoices.newestFirst) {
    if (invoice.status !== 'paid') continue;
    const lines = invoice.lines.data.map((line) => ({
      id: line.id,
      credits: creditsOf(line, prices),
      soldCents: line.amount > 0 ? net(line) + addedTax(line.taxes) : 0,
    }));
    const granted = sum(lines.map(({ credits }) => credits));
    if (granted === 0) continue;
    const takenBack = creditsBack(lines, returned.get(invoice.id) ?? new Returned());
    found.set(invoice.id, { customer: String(invoice.customer), granted, takenBack });
  }
  return found;
}

const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);

const pricesOf = ({ prices }: State): Prices =>
  new Map(
    prices.newestFirst.flatMap(({ id, metadata, unit_amount: unitCents }) =>
      metadata['plan'] === undefined || unitCents === null
        ? []
        : [[id, { credits: Number(metadata['credits']), unitCents }] as const],
    ),
  );

/**
 * A whole period grants the price's credits per unit. A proration grants its share before discount, rounded
 * down.
 */
function creditsOf(line: Line, prices: Prices): number {
  const item = line.parent?.subscription_item_details;
  const price = prices.get(String(line.pricing?.price_details?.price));
  if (!item || price === undefined || net(line) <= 0) return 0;
  if (!item.proration) return price.credits * (line.quantity ?? 1);
  return Math.floor((price.credits * line.amount) / price.unitCents);
}

const net = (line: Line): number =>
  line.amount - sum((line.discount_amounts ?? []).map(({ amount }) => amount));

const addedTax = (taxes: Line['taxes']): number =>
  sum((taxes ?? []).flatMap((tax) => (tax.tax_behavior === 'exclusive' ? [tax.amount] : [])));

interface SoldLine {
  readonly id: string;
  readonly credits: number;
  readonly soldCents: number;
}

/**
 * A line named by a credit note loses its own credits. All lines share the rest of the returned value by what
 * is left of them. Computed in whole numbers and rounded down once.
 */
function creditsBack(lines: readonly SoldLine[], { whole, ofLines }: Returned): number {
  const parts = lines
    .filter(({ soldCents }) => soldCents > 0)
    .map(({ id, credits, soldCents }) => ({
      credits: BigInt(credits),
      sold: BigInt(soldCents),
      named: BigInt(Math.min(soldCents, ofLines.get(id) ?? 0)),
    }));
  // The common denominator: the product of what each line sold.
  const all = parts.reduce((product, { sold }) => product * sold, 1n);
  const total = (of: (part: (typeof parts)[number]) => bigint) => parts.reduce((n, part) => n + of(part), 0n);
  const byName = total(({ credits, sold, named }) => (credits * named * all) / sold);
  const left = total(({ credits, sold, named }) => (credits * (sold - named) * all) / sold);
  const leftCents = total(({ sold, named }) => sold - named);
  if (leftCents === 0n) return Number(byName / all);
  const wholeCents = BigInt(whole) < leftCents ? BigInt(whole) : leftCents;
  return Number((byName * leftCents + left * wholeCents) / (all * leftCents));
}

/** By invoice, across all of its payments. */
function returnedValue(state: State): ReadonlyMap<string, Returned> {
  const found = new Map<string, Returned>();
  const of = (invoice: string): Returned => {
    const known = found.get(invoice) ?? new Returned();
    found.set(invoice, known);
    return known;
  };
  const paidFor = invoicesOfCharges(state);
  const live = state.refunds.newestFirst.filter(({ status }) => status !== 'failed' && status !== 'canceled');
  const noted = noteCredits(state, new Set(live.map(({ id }) => id)), of);
  for (const { id, charge, amount } of live) {
    const invoice = paidFor.get(String(charge));
    if (invoice !== undefined) of(invoice).whole += amount - (noted.get(id) ?? 0);
  }
  for (const { charge, balance_transactions: moves } of state.disputes.newestFirst) {
    const invoice = paidFor.get(String(charge));
    if (invoice !== undefined) of(invoice).whole += Math.max(0, -sum(moves.map(({ amount }) => amount)));
  }
  for (const invoice of state.invoices.newestFirst) {
    if (invoice.status === 'draft' || invoice.status === 'void') continue;
    for (const line of invoice.lines.data) {
      const credited = line.amount < 0 ? creditedInvoice(state, line, invoice) : undefined;
      if (credited !== undefined) of(credited).whole -= net(line) + addedTax(line.taxes);
    }
  }
  return found;
}

function invoicesOfCharges({ invoicePayments, charges }: State): ReadonlyMap<string, string> {
  const invoices = new Map<unknown, string>();
  for (const { invoice, payment, status } of invoicePayments.newestFirst)
    if (status === 'paid') invoices.set(payment.payment_intent, String(invoice));
  return new Map(
    charges.newestFirst.flatMap(({ id, paid, payment_intent: intent }) => {
      const invoice = paid ? invoices.get(intent) : undefined;
      return invoice === undefined ? [] : [[id, invoice] as const];
    }),
  );
}

/**
 * Records the credit notes. Returns the cents by refund that belong to named lines, and so not to an invoice
 * as a whole.
 */
function noteCredits(
  state: State,
  live: ReadonlySet<string>,
  of: (invoice: string) => Returned,
): ReadonlyMap<string, number> {
  const counted = new Map<string, number>();
  for (const note of state.creditNotes.newestFirst) {
    if (note.status === 'void') continue;
    const returned = of(String(note.invoice));
    const unrefunded = note.pre_payment_amount + balanceCredit(state, note) + (note.out_of_band_amount ?? 0);
    const named = note.lines.data.filter(({ invoice_line_item: line }) => line !== undefined);
    if (named.length === 0) {
      returned.whole += unrefunded;
      continue;
    }
    const refunds = note.refunds.filter(({ refund }) => live.has(String(refund)));
    for (const { refund, amount_refunded: cents } of refunds)
      counted.set(String(refund), (counted.get(String(refund)) ?? 0) + cents);
    const back = unrefunded + sum(refunds.map(({ amount_refunded: cents }) => cents));
    // If a refund failed, each line gets its share of the rest, in whole cents.
    const shares = named.map(({ invoice_line_item: line, amount, discount_amount: off, taxes }) => ({
      line: line ?? '',
      cents: Math.floor(((amount - off + addedTax(taxes)) * back) / note.total),
    }));
    for (const { line, cents } of shares) returned.nameLine(line, cents);
    returned.whole += back - sum(shares.map(({ cents }) => cents));
  }
  return counted;
}

function balanceCredit(state: State, { customer_balance_transaction: entry }: Stripe.CreditNote): number {
  const found = typeof entry === 'string' ? state.balanceEntries.find(entry) : entry;
  return found ? -found.amount : 0;
}

/**
 * The invoice that a negative proration line credits. If Stripe does not name it: the newest paid invoice
 * whose period contains the line's.
 */
function creditedInvoice(state: State, line: Line, on: Stripe.Invoice): string | undefined {
  const item = line.parent?.subscription_item_details ?? line.parent?.invoice_item_details;
  if (!item?.proration) return undefined;
  const named = item.proration_details?.credited_items?.invoice;
  if (named !== undefined) return named;
  const holds = ({ amount, parent, period }: Line): boolean =>
    amount > 0 &&
    parent?.subscription_item_details?.subscription === item.subscription &&
    period.start <= line.period.start &&
    line.period.end <= period.end;
  return state.invoices.newestFirst.find(
    ({ id, status, created, lines }) =>
      status === 'paid' && id !== on.id && created <= on.created && lines.data.some(holds),
  )?.id;
}

interface Entry {
  readonly amount?: unknown;
  readonly metadata?: unknown;
}

/** The credits that the ledger leaves each invoice: granted less taken back, including owed credits. */
export function netCreditsByInvoice(entries: Iterable<Entry>): Map<string, number> {
  const net = new Map<string, number>();
  for (const { amount, metadata } of entries) {
    if (typeof metadata !== 'object' || metadata === null) continue;
    const invoice: unknown = Reflect.get(metadata, 'invoice_id');
    if (typeof invoice !== 'string') continue;
    const owed = Number(Reflect.get(metadata, 'debt_change') ?? 0);
    net.set(invoice, (net.get(invoice) ?? 0) + Number(amount) - owed);
  }
  return net;
}
