import { addColumns, type Columns, NO_COLUMNS } from '../../../domain/books/columns.ts';
import type { Violation } from '../../../domain/ledger-records.ts';
import { isFault } from '../../../stripe/fault.ts';
import { auditCharges, type ChargesSeen } from './charges.ts';
import { difference } from './findings.ts';
import type { Inquiry } from './inquiry.ts';
import { auditInvoices, type InvoicesSeen } from './invoices.ts';
import { auditStanding } from './standing.ts';

/*
 * The auditor: all money of one customer at Stripe beside the ledger's entries. It shares no rule with the service: it reads Stripe's
 * objects itself, and reads the ledger as data.
 */

export interface MoneyAudit {
  /** In cents: money without credits, credits without money, and the like. */
  readonly money: readonly Violation[];
  /** The like, of money that was returned, and what the head says otherwise than Stripe: an event may be on its way. */
  readonly standing: readonly Violation[];
  /** False where Stripe does not list all of their money any more. */
  readonly isAll: boolean;
  readonly charges: number;
  readonly invoices: number;
  readonly openDisputes: readonly string[];
  /** Ids that an event about what was found could name. */
  readonly about: readonly string[];
  readonly columns: Columns;
  /** What the ledger has of each day's charges, in cents. */
  readonly days: Readonly<Record<string, { readonly ledger: number }>>;
  /** Each change of the balance that a person made by hand. */
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
    standing: [...invoices.flatMap(({ changed }) => changed), ...standing],
    isAll,
    charges: charges.reduce((sum, { count }) => sum + count, 0),
    invoices: invoices.reduce((sum, { count }) => sum + count, 0),
    openDisputes: charges.flatMap(({ openDisputes }) => openDisputes),
    about: [...charges.flatMap(({ touched }) => touched), ...invoices.flatMap(({ ids }) => ids)],
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

/** What the ledger says was bought, and Stripe has no money for. */
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

/** Null where Stripe refuses: a customer who was deleted, or who never was. */
async function orGone<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (isFault(error, 'refused')) return null;
    throw error;
  }
}
