import { addColumns, type Columns, NO_COLUMNS } from '../../../domain/books/columns.ts';
import type { Violation } from '../../../domain/ledger-records.ts';
import type { RawInvoice, RawNote } from '../../../stripe/port/audit.ts';
import { moneyDifference } from './findings.ts';
import { type Inquiry, isDue } from './inquiry.ts';
import { creditsAt, type Evidence, type Judged, judge, type PaidBack } from './invoice-value.ts';

/* Every invoice of a customer: its credits, what was returned of it, and what the ledger has of both. */

export interface InvoicesAudit {
  readonly found: readonly Violation[];
  /** The same for returned money, whose event may still be on its way. */
  readonly changed: readonly Violation[];
  /** Invoices that grant credits. */
  readonly count: number;
  readonly columns: Columns;
  /** Periods of paid invoices at a price with credits. */
  readonly covered: readonly { readonly start: number; readonly end: number }[];
  readonly ids: readonly string[];
  /** Payments of invoices that are in the ledger, or that grant nothing. */
  readonly explained: ReadonlySet<string>;
}

interface JudgedInvoice {
  readonly invoice: RawInvoice;
  readonly judged: Judged;
}

const NOTHING_BACK: PaidBack = { refunds: [], disputedCents: 0 };

export async function auditInvoices(
  inquiry: Inquiry,
  stripeCustomerId: string,
  back: ReadonlyMap<string, PaidBack>,
): Promise<InvoicesAudit> {
  const { stripe, beforeAsking, prices } = inquiry;
  await beforeAsking(1);
  const invoices = await stripe.rawInvoices(stripeCustomerId);
  if (invoices.length === 0)
    return {
      found: [],
      changed: [],
      count: 0,
      columns: NO_COLUMNS,
      covered: [],
      ids: [],
      explained: new Set(),
    };
  await beforeAsking(Math.floor(invoices.length / 100));
  await prices.learn(
    invoices.flatMap(({ lines }) => lines.map(({ priceId }) => priceId)),
    inquiry,
  );
  const notes = await notesOf(inquiry, stripeCustomerId, invoices);
  const evidence: Evidence = {
    prices: prices.known,
    products: prices.products,
    invoices,
    notes,
    backOf: (invoice) => backOf(invoice, back),
  };
  const judged = invoices.map((invoice) => ({ invoice, judged: judge(invoice, evidence) }));
  const due = judged.filter(
    ({ invoice: { id, paidAt, created } }) =>
      inquiry.facts.invoices.has(id) || isDue(inquiry, paidAt ?? created),
  );
  const isReturned = ({ invoice: { id }, judged: { returnedCents } }: JudgedInvoice): boolean =>
    returnedCents > 0 || (inquiry.facts.invoices.get(id)?.taken ?? 0) !== 0;
  return {
    found: due.filter((one) => !isReturned(one)).flatMap((one) => differencesOf(inquiry, one)),
    changed: due.filter(isReturned).flatMap((one) => differencesOf(inquiry, one)),
    count: due.filter((one) => one.judged.brings > 0).length,
    columns: judged.map((one) => columnsOf(one.invoice)).reduce<Columns>(addColumns, NO_COLUMNS),
    covered: invoices.flatMap((invoice) => coveredBy(invoice, evidence)),
    ids: invoices.map(({ id }) => id),
    explained: new Set(
      judged
        .filter((one) => inquiry.facts.invoices.has(one.invoice.id) || isNothingOfOurs(one))
        .flatMap((one) =>
          one.invoice.payments.flatMap((paid) => paid.paymentIntentId ?? paid.chargeId ?? []),
        ),
    ),
  };
}

const isNothingOfOurs = ({ judged: { brings, unpriced } }: JudgedInvoice): boolean =>
  brings === 0 && unpriced.length === 0;

async function notesOf(
  { stripe, beforeAsking }: Inquiry,
  stripeCustomerId: string,
  invoices: readonly RawInvoice[],
): Promise<readonly RawNote[]> {
  if (!invoices.some(({ hasNotes }) => hasNotes)) return [];
  await beforeAsking(1);
  return stripe.rawNotes(stripeCustomerId);
}

/** Returns of all payments of an invoice. A payment of several invoices counts for each by its share. */
function backOf({ payments }: RawInvoice, back: ReadonlyMap<string, PaidBack>): PaidBack {
  const all = payments.map(({ paymentIntentId, chargeId }) => back.get(paymentIntentId ?? chargeId ?? ''));
  return {
    refunds: all.flatMap((one) => (one ?? NOTHING_BACK).refunds),
    disputedCents: all.reduce((sum, one) => sum + (one?.disputedCents ?? 0), 0),
  };
}

function coveredBy({ status, lines }: RawInvoice, { prices }: Evidence): InvoicesAudit['covered'] {
  if (status !== 'paid') return [];
  return lines.flatMap(({ priceId, cents, start, end }) =>
    cents >= 0 && creditsAt(prices.get(priceId ?? '')) !== null ? [{ start, end }] : [],
  );
}

function columnsOf({ status, outOfBandCents, lines, balanceCents }: RawInvoice): Partial<Columns> {
  if (status !== 'paid') return {};
  return {
    outOfBand: outOfBandCents,
    balanceUsed: balanceCents,
    discounts: lines.reduce((sum, { discountCents }) => sum + discountCents, 0),
  };
}

/** Differences between what the ledger has of an invoice and what it should have, in credits and cents. */
function differencesOf({ facts }: Inquiry, { invoice, judged }: JudgedInvoice): Violation[] {
  const { id, status } = invoice;
  const known = facts.invoices.get(id);
  const unpriced =
    status === 'paid'
      ? judged.unpriced.map(({ priceId, cents }) =>
          moneyDifference(
            `money without credits: invoice ${id} has ${cents} cents at price ${priceId}, which has no ` +
              'credits in its metadata',
          ),
        )
      : [];
  const message = netDifference(id, known ?? { granted: 0, taken: 0 }, judged);
  return [...unpriced, ...(message === null ? [] : [moneyDifference(message)])];
}

function netDifference(
  id: string,
  { granted, taken }: { readonly granted: number; readonly taken: number },
  { brings, gone, soldCents, returnedCents, creditCents }: Judged,
): string | null {
  const excess = granted - taken - (brings - gone);
  if (excess === 0) return null;
  const worth = Math.round(Math.abs(excess) * creditCents);
  const count = Math.abs(excess);
  const credits = `${count} ${count === 1 ? 'credit' : 'credits'} (${worth} cents)`;
  const both =
    `invoice ${id} is worth ${brings} credits, and ${gone} of them are due back for ${returnedCents} of ` +
    `${soldCents} cents; ` +
    `the ledger granted ${granted} and took back ${taken}`;
  if (excess > 0) {
    const kind = granted > brings ? 'credits without money' : 'returned and not taken back';
    return `${kind}: ${credits}; ${both}`;
  }
  const kind = granted < brings ? 'money without credits' : 'taken back and not returned';
  return `${kind}: ${credits}; ${both}`;
}
