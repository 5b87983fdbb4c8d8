import type { RawInvoice, RawLine, RawNote, RawPrice } from '../../../stripe/port/audit.ts';

/*
 * What an invoice should grant, and how much of that should be taken back, from Stripe's objects alone. The
 * auditor has its own arithmetic: it follows the policy and must not import the service's code.
 */

/** What was returned of one invoice's payments: refunds in force, and what disputes took. */
export interface PaidBack {
  readonly refunds: readonly { readonly id: string; readonly cents: number }[];
  readonly disputedCents: number;
}

export interface Judged {
  /** Credits that the lines of a paid invoice grant. */
  readonly brings: number;
  /** Credits of these that should be taken back. */
  readonly gone: number;
  /** The price of the credits: their lines after discount, with tax. */
  readonly soldCents: number;
  readonly returnedCents: number;
  /** The price of one credit: on this invoice, or else at the first price with known credits. */
  readonly creditCents: number;
  /** Money charged at a price of our product whose credits are unknown. */
  readonly unpriced: readonly { readonly priceId: string; readonly cents: number }[];
}

export interface Evidence {
  readonly prices: ReadonlyMap<string, RawPrice>;
  /** Our products: each of their prices should name its credits. */
  readonly products: ReadonlySet<string>;
  readonly invoices: readonly RawInvoice[];
  readonly notes: readonly RawNote[];
  readonly backOf: (invoice: RawInvoice) => PaidBack;
}

/** The credits of one invoice, and how many should be taken back. */
export function judge(invoice: RawInvoice, evidence: Evidence): Judged {
  const lines = invoice.lines.map((line) => ({ line, credits: creditsOf(line, evidence) }));
  const unpriced = invoice.lines.flatMap((line) => unpricedOf(line, evidence));
  const brings = invoice.status === 'paid' ? total(lines.map(({ credits }) => credits)) : 0;
  const back = returnedOf(invoice, evidence);
  const parts = lines.map(({ line, credits }): Part => {
    const cents = soldOf(line);
    return { credits, cents, namedCents: Math.min(cents, back.byLine.get(line.id) ?? 0) };
  });
  const ours = parts.filter(({ credits }) => credits > 0);
  const oursNamed = total(ours.map(({ namedCents }) => namedCents));
  // An amount returned without naming a line is shared by what remains of every line.
  const left = total(parts.map(({ cents, namedCents }) => cents - namedCents));
  const unnamed = Math.min(left, back.cents);
  const oursSold = total(ours.map(({ cents }) => cents));
  return {
    brings,
    gone: invoice.status === 'paid' ? goneOf(ours, unnamed, left) : 0,
    soldCents: oursSold,
    returnedCents: oursNamed + unnamed,
    creditCents: brings > 0 ? oursSold / brings : listCents(evidence),
    unpriced,
  };
}

function listCents({ prices }: Evidence): number {
  for (const price of prices.values()) {
    const credits = creditsAt(price);
    if (credits !== null && credits > 0 && price.unitCents !== null) return price.unitCents / credits;
  }
  return 0;
}

/** A line's credits, its price, and the amount that credit notes naming it returned. */
interface Part {
  readonly credits: number;
  readonly cents: number;
  readonly namedCents: number;
}

/**
 * The credits to take back. A line that credit notes name loses the share of its own credits that the notes
 * returned. Of all remaining credits, the share `unnamed` / `left` is lost too. Calculated in BigInt: cents
 * times cents times credits exceeds what a number holds exactly.
 * @param unnamed cents returned without naming a line
 * @param left the cents of all lines, without those that notes returned by name
 */
function goneOf(parts: readonly Part[], unnamed: number, left: number): number {
  const sold = parts.filter(({ cents }) => cents > 0);
  // One denominator for all lines.
  const whole = sold.reduce((product, { cents }) => product * BigInt(cents), 1n);
  const shareOf = ({ credits, cents }: Part, of: number): bigint =>
    BigInt(credits) * BigInt(of) * (whole / BigInt(cents));
  const add = (shares: readonly bigint[]): bigint => shares.reduce((sum, share) => sum + share, 0n);
  const named = add(sold.map((part) => shareOf(part, part.namedCents)));
  if (left === 0) return Number(named / whole);
  const kept = add(sold.map((part) => shareOf(part, part.cents - part.namedCents)));
  return Number((named * BigInt(left) + kept * BigInt(unnamed)) / (whole * BigInt(left)));
}

const total = (amounts: readonly number[]): number => amounts.reduce((sum, amount) => sum + amount, 0);

const netOf = ({ cents, discountCents }: RawLine): number => cents - discountCents;

const soldOf = (line: RawLine): number => (line.cents > 0 ? Math.max(0, netOf(line) + line.taxCents) : 0);

/** Credits of a line: its price's credits for each unit, or a share for a part of a period. */
export function creditsOf(line: RawLine, { prices }: Pick<Evidence, 'prices'>): number {
  const price = line.priceId === null ? undefined : prices.get(line.priceId);
  const each = creditsAt(price);
  if (each === null || line.subscriptionId === null || netOf(line) <= 0) return 0;
  const unit = price?.unitCents ?? 0;
  if (!line.isProration && line.cents >= unit * line.quantity) return each * line.quantity;
  return unit === 0 ? 0 : Math.floor((each * line.cents) / unit);
}

/** Credits for one unit, from the price's own metadata; null if missing. */
export function creditsAt(price: RawPrice | undefined): number | null {
  const stored = price?.metadata['credits'];
  return stored !== undefined && /^\d{1,6}$/.test(stored) ? Number(stored) : null;
}

function unpricedOf(line: RawLine, { prices, products }: Evidence): Judged['unpriced'] {
  const price = line.priceId === null ? undefined : prices.get(line.priceId);
  if (price === undefined || creditsAt(price) !== null || netOf(line) <= 0 || line.subscriptionId === null)
    return [];
  const isOurs = price.productId !== null && products.has(price.productId);
  return isOurs ? [{ priceId: price.id, cents: netOf(line) }] : [];
}

interface Returned {
  readonly byLine: ReadonlyMap<string, number>;
  readonly cents: number;
}

function returnedOf(invoice: RawInvoice, evidence: Evidence): Returned {
  const { refunds, disputedCents } = evidence.backOf(invoice);
  const live = new Map(refunds.map(({ id, cents }) => [id, cents]));
  const byLine = new Map<string, number>();
  let cents = disputedCents + unusedTimeOf(invoice, evidence);
  let linked = 0;
  for (const note of evidence.notes) {
    if (note.invoiceId !== invoice.id || !note.isIssued) continue;
    const byRefund = total(note.refunds.map((one) => Math.min(one.cents, live.get(one.id) ?? 0)));
    linked += byRefund;
    const back = note.cents + byRefund;
    let named = 0;
    for (const line of note.lines) {
      const part =
        note.wholeCents === 0
          ? 0
          : Math.floor((line.cents * Math.min(back, note.wholeCents)) / note.wholeCents);
      byLine.set(line.lineId, (byLine.get(line.lineId) ?? 0) + part);
      named += part;
    }
    cents += Math.max(0, back - named);
  }
  return { byLine, cents: cents + Math.max(0, total([...live.values()]) - linked) };
}

/**
 * The amount that other invoices credit of this one: their negative prorations, except on drafts and void
 * invoices.
 */
function unusedTimeOf(invoice: RawInvoice, evidence: Evidence): number {
  let cents = 0;
  for (const other of evidence.invoices) {
    if (!['open', 'paid', 'uncollectible'].includes(other.status)) continue;
    for (const line of other.lines) {
      if (line.cents >= 0 || !line.isProration) continue;
      const credited = line.creditedInvoiceId ?? guessed(line, other, evidence.invoices);
      if (credited === invoice.id) cents -= netOf(line) + line.taxCents;
    }
  }
  return cents;
}

/**
 * If Stripe does not name the credited invoice: the newest paid invoice of the subscription whose period
 * contains the line's.
 */
function guessed(line: RawLine, on: RawInvoice, invoices: readonly RawInvoice[]): string | null {
  const holds = (one: RawLine): boolean =>
    one.cents > 0 &&
    one.subscriptionId === line.subscriptionId &&
    one.start <= line.start &&
    one.end >= line.end;
  const candidates = invoices.filter(
    ({ id, status, created, lines }) =>
      id !== on.id && status === 'paid' && created <= on.created && lines.some(holds),
  );
  return candidates.toSorted((a, b) => b.created - a.created)[0]?.id ?? null;
}
