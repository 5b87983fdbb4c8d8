import type { CustomerHead } from './customer.ts';
import type { EntryMetadata, EntrySource, Posting } from './ledger.ts';
import type { ReturnReason } from './notice.ts';
import { type Brought, creditsGone } from './payments/credits-gone.ts';
import type { KnownPrice } from './plans.ts';

/** The result of granting or taking back credits: the entries, and the debt afterwards. */
export interface CreditChange {
  readonly postings: readonly Posting[];
  readonly debt: number;
}

export type Owing = Pick<CustomerHead, 'balance' | 'debt'>;

/**
 * A grant with the debt netted at once. Grant and netting are two entries, so the ledger shows both. The sum
 * of `debt_change` over the whole ledger is the debt.
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
 * Takes `credits` back up to the balance and adds the rest to the debt. A negative number returns credits and
 * reduces the debt first. Always writes one entry, even of 0 credits, so the ledger explains every returned
 * cent.
 */
export function takeBack({ balance, debt }: Owing, credits: number, metadata: EntryMetadata): CreditChange {
  // Not `-n`: -0 and 0 are not equal everywhere.
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
 * What a paid invoice grants, and what is due back. Credits follow money: each line grants its own credits,
 * and returned money takes back its share, whatever the invoice was for. Amounts are US cents.
 */

/** The current state of an invoice line at Stripe. */
export interface InvoiceLine {
  readonly id: string;
  /** Before discount; negative for a credit of unused time. */
  readonly amountCents: number;
  /** After discount, without added tax. */
  readonly netCents: number;
  /** Tax added to the net amount. */
  readonly taxCents: number;
  readonly quantity: number;
  /** Pays for a whole period of the subscription, not for a change within a period. */
  readonly isWhole: boolean;
  /** Null if the line is for no subscription item, or if its price is unknown. */
  readonly price: KnownPrice | null;
}

/** The current state of a customer's invoice at Stripe. */
export interface ProInvoice {
  readonly id: string;
  /** The first invoice of its subscription. */
  readonly isFirst: boolean;
  readonly totalCents: number;
  /** Paid by card. Not what a balance or a credit note paid. */
  readonly paidCents: number;
  /** Paid in any way: by card, from the customer's balance, with a credit note, or outside Stripe. */
  readonly paid: boolean;
  readonly lines: readonly InvoiceLine[];
  /** Prices of our products on charged lines whose credits are unknown. */
  readonly unknownPriceIds: readonly string[];
  /** The end of a whole plan period that costs $0, in ISO 8601; null if there is none. */
  readonly freeUntil: string | null;
}

/**
 * Credits of one line. A line of $0 after discount grants none. A discount lowers the price, not the credits.
 */
export function creditsOfLine({ amountCents, netCents, quantity, isWhole, price }: InvoiceLine): number {
  if (price === null || netCents <= 0) return 0;
  const { credits, unitCents } = price;
  const isFullPrice = amountCents >= unitCents * quantity;
  return isWhole && isFullPrice ? credits * quantity : Math.floor((credits * amountCents) / unitCents);
}

/** Whether an invoice currently grants credits. */
export const bringsCredits = ({ paid, lines }: ProInvoice): boolean =>
  paid && lines.some((line) => creditsOfLine(line) > 0);

const soldOfLine = ({ amountCents, netCents, taxCents }: InvoiceLine): number =>
  amountCents > 0 ? netCents + taxCents : 0;

const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);

/** The amount sold: the positive lines after discount, with their tax. */
export const soldCents = ({ lines }: Pick<ProInvoice, 'lines'>): number => sum(lines.map(soldOfLine));

/** Value returned to the customer, over all payments of an invoice. */
export interface ReturnedValue {
  /** Returned of the whole invoice: refunds, disputes, unused time, credit notes without a line. */
  readonly cents: number;
  /** Credit notes for one line. `isTax`: only the line's tax is returned. */
  readonly ofLines: readonly { readonly lineId: string; readonly cents: number; readonly isTax: boolean }[];
  readonly reasons: readonly ReturnReason[];
}

export const NOTHING_RETURNED: ReturnedValue = { cents: 0, ofLines: [], reasons: [] };

/** What an invoice has granted and what was taken back so far. Stored as the invoice's guard. */
export interface InvoiceGuard {
  readonly invoiceId: string;
  /** All credits granted so far. */
  readonly credits: number;
  /** The amount sold. In a guard of an earlier release: the invoice's total. */
  readonly totalCents: number;
  /** Returned money that is already counted. */
  readonly reversedCents: number;
  readonly reversedCredits: number;
  /** One mark per granted line. Null in a guard of an earlier release, which covers all lines. */
  readonly lines: readonly { readonly id: string; readonly credits: number }[] | null;
}

/** Maximum number of granted lines with an entry each. More would not fit into one transaction. */
const MAX_ENTRIES = 40;

/** The lines still due a grant: each line of a paid invoice is granted once. */
export function linesToGrant(invoice: ProInvoice, guard: InvoiceGuard | null): readonly InvoiceLine[] {
  if (!invoice.paid || (guard !== null && guard.lines === null)) return [];
  const granted = new Set(guard?.lines?.map(({ id }) => id));
  return invoice.lines.filter((line) => creditsOfLine(line) > 0 && !granted.has(line.id));
}

/** The returned and the sold amount of an invoice, and the credits due back. */
export interface DueBack {
  readonly returnedCents: number;
  readonly soldCents: number;
  readonly credits: number;
}

/**
 * All credits due back: floor(granted × returned / sold). Money returned for a line without credits, or only
 * for tax, is part of neither `returned` nor `sold`. Money returned for a line with credits takes back only
 * credits of that line. Exact for all amounts.
 */
export function creditsDueBack(
  { lines }: Pick<ProInvoice, 'lines'>,
  granted: Pick<InvoiceGuard, 'credits' | 'lines'>,
  returned: ReturnedValue,
): DueBack {
  const parts = lines.map((line) => {
    const named = returned.ofLines.filter(({ lineId }) => lineId === line.id);
    const tax = sum(named.filter(({ isTax }) => isTax).map(({ cents }) => cents));
    // The tax of unused time is negative and not part of what was sold.
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

/** The lines that granted credits. A guard of an earlier release has one sum for all lines. */
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

/** The entries that bring the ledger up to date with an invoice's grants and returns. */
export interface InvoiceChange extends CreditChange {
  /** The invoice's guard to store with the entries. */
  readonly kept: InvoiceGuard;
  /** Credits removed from the balance. */
  readonly removed: number;
}

/**
 * Grants the credits of a paid invoice and takes back what is due. Both are one change, so returned credits
 * can never be spent in between. Null if everything is already counted. Returned money always gets one entry,
 * even of 0 credits, so the ledger explains every cent.
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

/**
 * One entry per line, so the statement shows what each line granted. If more than `MAX_ENTRIES` lines grant
 * credits, one entry covers them all.
 */
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
