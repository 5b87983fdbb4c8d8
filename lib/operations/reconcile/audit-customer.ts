import type { CustomerHead } from '../../domain/customer.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { readLedgerRecords, type StoredRecords } from '../../store/audit/audit.ts';
import type { Meter } from '../../store/paging.ts';
import { auditMoney, type MoneyAudit } from './auditor/audit-money.ts';
import { type Inquiry, Prices } from './auditor/inquiry.ts';
import { factsOf } from './auditor/ledger-facts.ts';

/** What was paid for an invoice, and the payment: most invoices have one. */
export const CALLS_PER_RETURNED_INVOICE = 2;

export interface AuditOptions {
  /** Money that was paid later than this may still be on its way into the ledger; null where all of it counts. */
  readonly paidBefore?: Date | null;
  readonly meter?: Meter;
  /** Waits until Stripe may be asked so many times. */
  readonly beforeAsking?: (calls: number) => Promise<void>;
  /** Prices that were read before. */
  readonly prices?: Prices;
}

export interface AuditedRecords extends StoredRecords {
  /** Their money at Stripe beside their entries; null for a customer that Stripe does not know. */
  readonly audit: MoneyAudit | null;
}

/**
 * Everything stored of one customer, and what the auditor found of their money at Stripe; null when there is no such customer. Of a
 * Stripe customer who was deleted there, and whose payments Stripe does not list any more, money is checked within the ledger only.
 * Reads much: for audits, never for a request.
 * @throws StripeFault, BillingError ledger_unavailable
 */
export async function auditCustomer(
  deps: PaymentDeps,
  customerId: string,
  options: AuditOptions = {},
): Promise<AuditedRecords | null> {
  const records = await readLedgerRecords(deps.table, customerId, options.meter);
  if (records === null) return null;
  const facts = factsOf(records.entries);
  const stripeCustomerIds = records.stripeCustomers.map(({ id }) => id);
  return {
    ...records,
    audit: await auditAtStripe(deps, records.head, { facts, stripeCustomerIds }, options),
  };
}

/** The auditor's findings for a customer; null where Stripe does not know them. @throws StripeFault, BillingError */
export async function auditAtStripe(
  deps: PaymentDeps,
  head: CustomerHead,
  known: Pick<Inquiry, 'facts' | 'stripeCustomerIds'>,
  { paidBefore = null, meter = noMeter, beforeAsking = noMeter, prices }: AuditOptions,
): Promise<MoneyAudit | null> {
  if (known.stripeCustomerIds.length === 0) return null;
  const stripe = await deps.stripe();
  return auditMoney({
    table: deps.table,
    stripe,
    customerId: head.customerId,
    head,
    ...known,
    paidBefore,
    prices: prices ?? new Prices(stripe.proPriceId),
    meter,
    beforeAsking,
  });
}

const noMeter = async (): Promise<void> => {};
