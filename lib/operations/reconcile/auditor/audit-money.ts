import { addColumns, type Columns, NO_COLUMNS } from '../../../domain/books/columns.ts';
import type { Violation } from '../../../domain/ledger-records.ts';
import { isFault } from '../../../stripe/fault.ts';
import { auditCharges, type ChargesSeen } from './charges.ts';
import { difference } from './findings.ts';
import type { Inquiry } from './inquiry.ts';
import { auditInvoices, type InvoicesSeen } from './invoices.ts';
import { auditStanding } from './standing.ts';

/*
 * The auditor: compares all money of one customer at Stripe with the ledger's entries. It shares no rule with
 * the service: it reads Stripe's objects itself, and the ledger as data.
 */

export interface MoneyAudit {
  /** Differences in cents: money without credits, credits without money, and similar. */
  readonly money: readonly Violation[];
  /**
   * The same for returned money, and differences between head and Stripe. An event may still explain them.
   */
  readonly standing: readonly Violation[];
  /** False if Stripe no longer lists all of the customer's money. */
  readonly isAll: boolean;
  readonly charges: number;
  readonly invoices: number;
  readonly openDisputes: readonly string[];
  /** Ids that an event about these findings could name. */
  readonly about: readonly string[];
  readonly columns: Columns;
  /** The part of each day's charges that is in the ledger, in cents. */
  readonly days: Readonly<Record<string, { readonly ledger: number }>>;
  /** Each manual change of the customer's balance at Stripe. */
  readonly byHand: readonly string[];
}

interface Seen {
  readonly charges: ChargesSeen;
  readonly invoices: InvoicesSeen;
  readonly byHand: readonly { readonly text: string; readonly cents: number }[];
}

/** @throws StripeFault, BillingError ledger_unavailable */
export async function auditMoney(inquiry: Inquiry): Promise<MoneyAudit> {
  const all: Seen[] = [];
  let isAll = true;
  for (const id of inquiry.stripeCustomerIds) {
    const seen = await orGone(() => see(inquiry, id));
    if (seen === null) isAll = false;
    else all.push(seen);
  }
  const charges = all.map((one) => one.charges);
  const invoices = all.map((one) => one.invoices);
  const standing = (await orGone(() => auditStanding(inquiry, charges, invoices))) ?? [];
  return {
    money: [
      ...charges.flatMap(({ found }) => found),
      ...invoices.flatMap(({ found }) => found),
      ...(isAll ? withoutMoney(inquiry, charges, invoices) : []),
    ],
    standing: [...[...charges, ...invoices].flatMap(({ changed }) => changed), ...standing],
    isAll,
    charges: charges.reduce((sum, { count }) => sum + count, 0),
    invoices: invoices.reduce((sum, { count }) => sum + count, 0),
    openDisputes: charges.flatMap(({ openDisputes }) => openDisputes),
    about: [...charges.flatMap(({ chargeIds }) => chargeIds), ...invoices.flatMap(({ ids }) => ids)],
    columns: all.map(columnsOf).reduce<Columns>(addColumns, NO_COLUMNS),
    days: daysOf(all),
    byHand: all.flatMap(({ byHand }) => byHand.map(({ text }) => text)),
  };
}

async function see(inquiry: Inquiry, stripeCustomerId: string): Promise<Seen> {
  const charges = await auditCharges(inquiry, stripeCustomerId);
  const invoices = await auditInvoices(inquiry, stripeCustomerId, charges.back);
  await inquiry.beforeAsking(1);
  const entries = await inquiry.stripe.rawBalance(stripeCustomerId);
  const byHand = entries
    .filter(({ type }) => type === 'adjustment')
    .map(({ id, cents, created }) => ({
      cents: 0 - cents,
      text: `${dayOf(created)}: ${cents} cents (${id} of ${stripeCustomerId})`,
    }));
  return { charges, invoices, byHand };
}

const dayOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);

function daysOf(all: readonly Seen[]): Record<string, { ledger: number }> {
  const days: Record<string, { ledger: number }> = {};
  for (const { charges, invoices } of all) {
    for (const [id, { created, cents, isKnown }] of charges.charged) {
      if (!isKnown && !invoices.explained.has(id)) continue;
      const day = dayOf(created);
      days[day] = { ledger: (days[day]?.ledger ?? 0) + cents };
    }
  }
  return days;
}

const columnsOf = ({ charges, invoices, byHand }: Seen): Columns =>
  addColumns(invoices.columns, {
    cash: charges.cashCents,
    returned: charges.returnedCents,
    byHand: byHand.reduce((sum, { cents }) => sum + cents, 0),
  });

/** Purchases in the ledger without money at Stripe. */
function withoutMoney(
  { facts }: Inquiry,
  charges: readonly ChargesSeen[],
  invoices: readonly InvoicesSeen[],
): Violation[] {
  const paid = new Set(charges.flatMap(({ matched }) => [...matched]));
  const known = new Set(invoices.flatMap(({ ids }) => ids));
  const purchases = [...facts.purchases].filter(([id]) => !paid.has(id));
  const grants = [...facts.invoices].filter(([id, { granted, taken }]) => !known.has(id) && granted > taken);
  return [
    ...purchases.map(([id, { seq, cents }]) =>
      difference(
        `credits without money: entry ${seq} has no succeeded charge ${id} of ${cents} cents at Stripe`,
        seq,
      ),
    ),
    ...grants.map(([id, { granted, taken }]) =>
      difference(
        `credits without money: ${granted - taken} credits of invoice ${id}, which Stripe does not have`,
      ),
    ),
  ];
}

/** Null if Stripe refuses: the customer was deleted, or never existed. */
async function orGone<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (isFault(error, 'refused')) return null;
    throw error;
  }
}
