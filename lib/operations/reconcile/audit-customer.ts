import type { CustomerHead } from '../../domain/customer.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { readLedgerRecords, type StoredRecords } from '../../store/audit/audit.ts';
import type { Meter } from '../../store/paging.ts';
import { auditMoney, type MoneyAudit } from './auditor/audit-money.ts';
import { type Inquiry, Prices } from './auditor/inquiry.ts';
import { factsOf } from './auditor/ledger-facts.ts';

/** One call for what was paid for an invoice, and one for the payment: most invoices have one. */
export const CALLS_PER_RETURNED_INVOICE = 2;

export interface AuditOptions {
  /** Only earlier payments count: later ones may not be in the ledger yet. Null if all payments count. */
  readonly paidBefore?: Date | null;
  readonly meter?: Meter;
  /** Waits until this number of calls to Stripe is allowed. */
  readonly beforeAsking?: (calls: number) => Promise<void>;
  /** Prices already read. */
  readonly prices?: Prices;
}

export interface AuditedRecords extends StoredRecords {
  /** The comparison of the money at Stripe with the entries; null for a customer unknown to Stripe. */
  readonly audit: MoneyAudit | null;
}

/**
 * Everything stored about one customer, and the auditor's findings on the money at Stripe; null if there is
 * no such customer. If the Stripe customer was deleted and Stripe no longer lists the payments, money is
 * checked only within the ledger. Reads much: for audits, never for a request.
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

/**
 * The auditor's findings for a customer; null if Stripe does not know the customer.
 * @throws StripeFault, BillingError
 */
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
    now: deps.now(),
    paidBefore,
    prices: prices ?? new Prices(stripe.proPriceId),
    meter,
    beforeAsking,
  });
}

const noMeter = async (): Promise<void> => {};
