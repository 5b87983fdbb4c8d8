import type { CustomerHead } from './customer.ts';
import type { EntryMetadata, EntrySource, Posting } from './ledger.ts';
import type { ReturnReason } from './notice.ts';
import { type Brought, creditsGone } from './payments/credits-gone.ts';
import type { KnownPrice } from './plans.ts';

/** What granting or taking back credits does: the entries, and what is owed afterwards. */
export interface CreditChange {
  readonly postings: readonly Posting[];
  readonly debt: number;
}

export type Owing = Pick<CustomerHead, 'balance' | 'debt'>;

/**
 * A grant, with what is owed taken out of it at once. Two entries, so that the grant is there whole and the netting
 * explains itself. `debt_change` in the metadata adds up to the debt over the whole ledger.
 */
export function grant(
  { debt }: Owing,
  credits: number,
  source: EntrySource,
  metadata: EntryMetadata,
): CreditChange {
  const netted = Math.min(debt, credits);
  const postings: Posting[] = [{ amount: credits, source, metadata }];
  if (netted > 0) {
    postings.push({
      amount: -netted,
      source: 'refund_reversal',
      metadata: { reason: 'debt_netted', debt_change: -netted, debt_after: debt - netted },
    });
  }
  return { postings, debt: debt - netted };
}

/**
 * Takes `credits` back as far as the balance goes and owes the rest; a negative number gives that many back, what is
 * owed first. Always exactly one entry, of 0 credits where the balance does not change, so that every cent that went
 * back is explained in the ledger.
 */
export function takeBack({ balance, debt }: Owing, credits: number, metadata: EntryMetadata): CreditChange {
  // Not -n, for -0 is not 0 to everybody.
  const debtChange = credits >= 0 ? Math.max(0, credits - balance) : 0 - Math.min(debt, -credits);
  return {
    postings: [
      {
        amount: debtChange - credits,
        source: 'refund_reversal',
        metadata: { ...metadata, debt_change: debtChange, debt_after: debt + debtChange },
      },
    ],
    debt: debt + debtChange,
  };
}

/*
 * What a paid invoice brings, and what is due back of it. Credits follow money: each line grants for itself, and money that is
 * returned takes its share back, whatever the invoice was made for. Amounts are US cents.
 */

/** A line of an invoice as Stripe has it now. */
export interface InvoiceLine {
  readonly id: string;
  /** Before discount; below zero where unused time is credited. */
  readonly amountCents: number;
  /** After discount, without tax that is added. */
  readonly netCents: number;
  /** Tax that is added to the net amount. */
  readonly taxCents: number;
  readonly quantity: number;
  /** Pays for a period of its subscription as a whole, not for a change within one. */
  readonly isWhole: boolean;
  /** Null where the line is for no subscription item, or for one at a price that is not known. */
  readonly price: KnownPrice | null;
}

/** An invoice of a customer's as Stripe has it now. */
export interface ProInvoice {
  readonly id: string;
  readonly totalCents: number;
  /** Paid in whatever way: by card, from the customer's balance, with a credit note, or past Stripe. */
  readonly paid: boolean;
  readonly lines: readonly InvoiceLine[];
  /** Prices of our products that lines ask money for, and of which we do not know what they bring. */
  readonly unknownPriceIds: readonly string[];
  /** The end of a whole period of a plan for which it asks $0, ISO 8601; null without one. */
  readonly freeUntil: string | null;
}

/** Credits of one line. A line of $0 after discount brings none; a discount lowers the price, not the credits. */
export function creditsOfLine({ amountCents, netCents, quantity, isWhole, price }: InvoiceLine): number {
  if (price === null || netCents <= 0) return 0;
  const { credits, unitCents } = price;
  const isFullPrice = amountCents >= unitCents * quantity;
  return isWhole && isFullPrice ? credits * quantity : Math.floor((credits * amountCents) / unitCents);
}

/** Whether an invoice brings credits now. */
export const bringsCredits = ({ paid, lines }: ProInvoice): boolean =>
  paid && lines.some((line) => creditsOfLine(line) > 0);

const soldOfLine = ({ amountCents, netCents, taxCents }: InvoiceLine): number =>
  amountCents > 0 ? netCents + taxCents : 0;

const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);

/** What was sold: the positive lines after discount, with their tax. */
export const soldCents = ({ lines }: Pick<ProInvoice, 'lines'>): number => sum(lines.map(soldOfLine));

/** Value that the customer has back, over all payments of an invoice. */
export interface ReturnedValue {
  /** Of the invoice as a whole: refunds, disputes, unused time, credit notes that name no line. */
  readonly cents: number;
  /** Credit notes that name a line; `isTax` where they return nothing but the tax of the line. */
  readonly ofLines: readonly { readonly lineId: string; readonly cents: number; readonly isTax: boolean }[];
  readonly reasons: readonly ReturnReason[];
}

export const NOTHING_RETURNED: ReturnedValue = { cents: 0, ofLines: [], reasons: [] };

/** What an invoice has brought and what was taken back for it so far; stored as its once-only guard. */
export interface InvoiceGuard {
  readonly invoiceId: string;
  /** All that it has granted. */
  readonly credits: number;
  /** What was sold; in a guard of an earlier release the invoice's total. */
  readonly totalCents: number;
  /** Money that was returned, as far as it was counted. */
  readonly reversedCents: number;
  readonly reversedCredits: number;
  /** A mark for each line that was granted. Null in a guard of an earlier release, which stands for all lines. */
  readonly lines: readonly { readonly id: string; readonly credits: number }[] | null;
}

/** More entries than this, and what else is written, do not fit into one transaction of the table. */
const MAX_ENTRIES = 40;

/** The lines that are due a grant: of a paid invoice, each once. */
export function linesToGrant(invoice: ProInvoice, guard: InvoiceGuard | null): readonly InvoiceLine[] {
  if (!invoice.paid || (guard !== null && guard.lines === null)) return [];
  const granted = new Set(guard?.lines?.map(({ id }) => id));
  return invoice.lines.filter((line) => creditsOfLine(line) > 0 && !granted.has(line.id));
}

/** What of an invoice counts as returned, beside what was sold, and the credits that are due back for it. */
export interface DueBack {
  readonly returnedCents: number;
  readonly soldCents: number;
  readonly credits: number;
}

/**
 * Credits due back in all: floor(granted × returned / sold). What is returned of another line, or of tax alone, counts for neither
 * side; what is returned of a line that brought credits counts against the credits of that line alone. Exact, whatever the amounts.
 */
export function creditsDueBack(
  { lines }: Pick<ProInvoice, 'lines'>,
  granted: Pick<InvoiceGuard, 'credits' | 'lines'>,
  returned: ReturnedValue,
): DueBack {
  const parts = lines.map((line) => {
    const named = returned.ofLines.filter(({ lineId }) => lineId === line.id);
    const tax = sum(named.filter(({ isTax }) => isTax).map(({ cents }) => cents));
    // The tax of unused time is below zero, and none of what was sold.
    const value = soldOfLine(line) - Math.min(tax, Math.max(0, line.taxCents));
    return { line, value, named: Math.min(sumOf(named), value) };
  });
  const brought = broughtBy(granted, parts);
  const isCredited = new Set(brought.flatMap((group) => group.lineIds));
  const others = parts.filter(({ line }) => !isCredited.has(line.id));
  const named = sum(brought.map((group) => group.named));
  const sold = sum(brought.map(({ value }) => value)) + sum(others.map((part) => part.value - part.named));
  const general = Math.min(returned.cents, sold - named);
  const credits = creditsGone(brought, { general, left: sold - named });
  return { returnedCents: named + general, soldCents: sold, credits };
}

const sumOf = (named: ReturnedValue['ofLines']): number =>
  sum(named.filter(({ isTax }) => !isTax).map(({ cents }) => cents));

interface BroughtLines extends Brought {
  readonly lineIds: readonly string[];
}

/** Each line that brought credits. A guard of an earlier release has one sum for all lines. */
function broughtBy(
  { credits: all, lines }: Pick<InvoiceGuard, 'credits' | 'lines'>,
  parts: readonly { readonly line: InvoiceLine; readonly value: number; readonly named: number }[],
): readonly BroughtLines[] {
  if (lines === null) {
    const ours = parts.filter(({ line }) => line.price !== null);
    const lineIds = ours.map(({ line }) => line.id);
    const value = sum(ours.map((part) => part.value));
    return [{ lineIds, credits: all, value, named: sum(ours.map((part) => part.named)) }];
  }
  const creditsOf = new Map(lines.map(({ id, credits }) => [id, credits]));
  return parts.flatMap(({ line: { id }, value, named }) => {
    const credits = creditsOf.get(id);
    return credits === undefined ? [] : [{ lineIds: [id], credits, value, named }];
  });
}

/** The entries that bring the ledger to what an invoice has brought and what is due back of it. */
export interface InvoiceChange extends CreditChange {
  readonly kept: InvoiceGuard;
  /** Credits that left the balance. */
  readonly removed: number;
}

/**
 * Grants what a paid invoice brings, and takes back what is due back; both in one change, so that what is returned by then is never
 * there to spend. Null where all of it is counted. Always one entry for what is returned, of 0 credits where the balance does not
 * change, so that every cent is explained in the ledger.
 */
export function settleInvoice(
  owing: Owing,
  invoice: ProInvoice,
  returned: ReturnedValue,
  guard: InvoiceGuard | null,
): InvoiceChange | null {
  const lines = linesToGrant(invoice, guard);
  if (guard === null && lines.length === 0) return null;
  const granted = grantLines(owing, invoice, lines);
  const before = guard ?? newGuard(invoice);
  const marks = lines.map((line) => ({ id: line.id, credits: creditsOfLine(line) }));
  const kept: InvoiceGuard = {
    ...before,
    credits: before.credits + sum(marks.map(({ credits }) => credits)),
    lines: before.lines === null ? null : [...before.lines, ...marks],
  };
  const due = creditsDueBack(invoice, kept, returned);
  const isCounted = due.returnedCents === kept.reversedCents && due.credits === kept.reversedCredits;
  if (isCounted) return lines.length === 0 ? null : { ...granted, kept, removed: 0 };
  const balance = granted.postings.reduce((total, { amount }) => total + amount, owing.balance);
  const taken = takeBack({ balance, debt: granted.debt }, due.credits - kept.reversedCredits, {
    reason: due.returnedCents >= kept.reversedCents ? 'money_returned' : 'money_kept',
    invoice_id: invoice.id,
    cents_before: kept.reversedCents,
    cents_returned: due.returnedCents,
    total_cents: due.soldCents,
    credits_reversed: due.credits,
    ...(returned.reasons.length > 0 && { how: returned.reasons.join(', ') }),
  });
  return {
    postings: [...granted.postings, ...taken.postings],
    debt: taken.debt,
    kept: { ...kept, reversedCents: due.returnedCents, reversedCredits: due.credits },
    removed: Math.max(0, -sum(taken.postings.map(({ amount }) => amount))),
  };
}

const newGuard = (invoice: ProInvoice): InvoiceGuard => ({
  invoiceId: invoice.id,
  credits: 0,
  totalCents: soldCents(invoice),
  reversedCents: 0,
  reversedCredits: 0,
  lines: [],
});

/** One entry for each line, so that the statement says what each part of an invoice brought; of very many lines, one for all. */
function grantLines(owing: Owing, invoice: ProInvoice, lines: readonly InvoiceLine[]): CreditChange {
  const about = { invoice_id: invoice.id, total_cents: invoice.totalCents };
  const grants = lines.map((line) => ({
    credits: creditsOfLine(line),
    metadata: {
      ...about,
      line_id: line.id,
      line_cents: line.netCents,
      quantity: line.quantity,
      ...(line.price !== null && { plan: line.price.plan, price_id: line.price.id }),
    },
  }));
  const all = {
    credits: sum(grants.map(({ credits }) => credits)),
    metadata: { ...about, lines: lines.length },
  };
  return (grants.length > MAX_ENTRIES ? [all] : grants).reduce<CreditChange>(
    ({ postings, debt }, { credits, metadata }) => {
      const change = grant({ ...owing, debt }, credits, 'pro_subscription_payment', metadata);
      return { postings: [...postings, ...change.postings], debt: change.debt };
    },
    { postings: [], debt: owing.debt },
  );
}
