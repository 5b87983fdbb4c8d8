import { addColumns, type Columns, NO_COLUMNS } from '../../../domain/books/columns.ts';
import type { Violation } from '../../../domain/ledger-records.ts';
import { isFault } from '../../../stripe/fault.ts';
import { auditCharges, type ChargesAudit } from './charges.ts';
import { auditAccount } from './current-account.ts';
import { moneyDifference } from './findings.ts';
import type { Inquiry } from './inquiry.ts';
import { auditInvoices, type InvoicesAudit } from './invoices.ts';

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
  readonly accountDrift: readonly Violation[];
  /** False if Stripe no longer lists all of the customer's money. */
  readonly isAll: boolean;
  readonly charges: number;
  readonly invoices: number;
  readonly openDisputes: readonly string[];
  /** Ids that an event about these findings could name. */
  readonly relatedIds: readonly string[];
  readonly columns: Columns;
  /** By day, in cents: the charges at Stripe that the ledger accounts for. */
  readonly days: Readonly<Record<string, { readonly ledger: number }>>;
  /** Each manual change of the customer's balance at Stripe. */
  readonly byHand: readonly string[];
}

interface StripeCustomerAudit {
  readonly charges: ChargesAudit;
  readonly invoices: InvoicesAudit;
  readonly byHand: readonly { readonly text: string; readonly cents: number }[];
}

/** @throws StripeFault, BillingError ledger_unavailable */
export async function auditMoney(inquiry: Inquiry): Promise<MoneyAudit> {
  const all: StripeCustomerAudit[] = [];
  let isAll = true;
  for (const id of inquiry.stripeCustomerIds) {
    const seen = await nullIfRefused(() => auditStripeCustomer(inquiry, id));
    if (seen === null) isAll = false;
    else all.push(seen);
  }
  const charges = all.map((one) => one.charges);
  const invoices = all.map((one) => one.invoices);
  const current = (await nullIfRefused(() => auditAccount(inquiry, charges, invoices))) ?? [];
  return {
    money: [
      ...charges.flatMap(({ found }) => found),
      ...invoices.flatMap(({ found }) => found),
      ...(isAll ? creditsWithoutMoney(inquiry, charges, invoices) : []),
    ],
    accountDrift: [...[...charges, ...invoices].flatMap(({ changed }) => changed), ...current],
    isAll,
    charges: charges.reduce((sum, { count }) => sum + count, 0),
    invoices: invoices.reduce((sum, { count }) => sum + count, 0),
    openDisputes: charges.flatMap(({ openDisputes }) => openDisputes),
    relatedIds: [...charges.flatMap(({ chargeIds }) => chargeIds), ...invoices.flatMap(({ ids }) => ids)],
    columns: all.map(columnsOf).reduce<Columns>(addColumns, NO_COLUMNS),
    days: daysOf(all),
    byHand: all.flatMap(({ byHand }) => byHand.map(({ text }) => text)),
  };
}

async function auditStripeCustomer(inquiry: Inquiry, stripeCustomerId: string): Promise<StripeCustomerAudit> {
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

function daysOf(all: readonly StripeCustomerAudit[]): Record<string, { ledger: number }> {
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

const columnsOf = ({ charges, invoices, byHand }: StripeCustomerAudit): Columns =>
  addColumns(invoices.columns, {
    cash: charges.cashCents,
    returned: charges.returnedCents,
    byHand: byHand.reduce((sum, { cents }) => sum + cents, 0),
  });

/** Purchases in the ledger without money at Stripe. */
function creditsWithoutMoney(
  { facts }: Inquiry,
  charges: readonly ChargesAudit[],
  invoices: readonly InvoicesAudit[],
): Violation[] {
  const paid = new Set(charges.flatMap(({ matched }) => [...matched]));
  const known = new Set(invoices.flatMap(({ ids }) => ids));
  const purchases = [...facts.purchases].filter(([id]) => !paid.has(id));
  const grants = [...facts.invoices].filter(([id, { granted, taken }]) => !known.has(id) && granted > taken);
  return [
    ...purchases.map(([id, { seq, cents }]) =>
      moneyDifference(
        `credits without money: entry ${seq} has no succeeded charge ${id} of ${cents} cents at Stripe`,
        seq,
      ),
    ),
    ...grants.map(([id, { granted, taken }]) =>
      moneyDifference(
        `credits without money: ${granted - taken} credits of invoice ${id}, which Stripe does not have`,
      ),
    ),
  ];
}

/** Null if Stripe refuses: the customer was deleted, or never existed. */
async function nullIfRefused<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (isFault(error, 'refused')) return null;
    throw error;
  }
}
