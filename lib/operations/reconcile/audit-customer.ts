import type { ProInvoice } from '../../domain/grants.ts';
import type { LedgerEntry } from '../../domain/ledger.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { readLedgerRecords, type StoredRecords } from '../../store/audit/audit.ts';
import type { Meter } from '../../store/paging.ts';
import { isFault } from '../../stripe/fault.ts';
import type { Paid, PaidMoney } from '../../stripe/port.ts';

export interface AuditOptions {
  /** Money that was paid later than this may still be on its way into the ledger; null where all of it counts. */
  readonly paidBefore?: Date | null;
  readonly meter?: Meter;
  /** Waits until Stripe may be asked so many times. */
  readonly beforeAsking?: (calls: number) => Promise<void>;
}

export interface AuditedRecords extends StoredRecords {
  /** Charges of theirs that were ever disputed, as far as Stripe lists them. */
  readonly disputedChargeIds: readonly string[];
}

/** A list of payments and a list of invoices; only who has more than 100 of either takes another call. */
const CALLS_PER_STRIPE_CUSTOMER = 2;
/** What was paid for it, and the payment: most invoices have one. */
export const CALLS_PER_RETURNED_INVOICE = 2;

/**
 * Everything stored of one customer beside what Stripe has of their money, as `verifyLedger` compares it; null when there is
 * no such customer. Of a Stripe customer who was deleted there, and whose payments Stripe does not list any more, money is checked
 * within the ledger only. Reads much: for audits, never for a request.
 * @throws StripeFault, BillingError ledger_unavailable
 */
export async function auditCustomer(
  deps: PaymentDeps,
  customerId: string,
  { paidBefore = null, meter, beforeAsking }: AuditOptions = {},
): Promise<AuditedRecords | null> {
  const records = await readLedgerRecords(deps.table, customerId, meter);
  if (records === null) return null;
  const { returnedPaymentIntentIds } = records;
  const stripeCustomers = records.stripeCustomers.map(({ id }) => id);
  if (stripeCustomers.length === 0) {
    const stripe = { fixCharges: [], paidProInvoices: [], isAll: true };
    return { ...records, stripe, disputedChargeIds: [] };
  }

  await beforeAsking?.(CALLS_PER_STRIPE_CUSTOMER * stripeCustomers.length);
  const money = await paidMoneyOf(deps, stripeCustomers);
  if (money.length === 0) return { ...records, disputedChargeIds: [] };
  const returned = new Set(returnedPaymentIntentIds);
  const named = namedBy(records.entries);
  const isDue = ({ paidAt }: Paid<object>, id: string) =>
    paidBefore === null || paidAt < paidBefore || named.has(id);
  return {
    ...records,
    disputedChargeIds: money.flatMap(({ disputedChargeIds }) => disputedChargeIds),
    stripe: {
      fixCharges: money
        .flatMap(({ fixPayments }) => fixPayments)
        .filter(({ paymentIntentId }) => !returned.has(paymentIntentId))
        .filter((payment) => isDue(payment, payment.paymentIntentId))
        // What came by mistake and was given back is right again.
        .filter(({ isReturned, paymentIntentId }) => !isReturned || named.has(paymentIntentId)),
      paidProInvoices: await withoutReturned(
        deps,
        money.flatMap(({ proInvoices }) => proInvoices).filter((invoice) => isDue(invoice, invoice.id)),
        named,
        beforeAsking,
      ),
      isAll: money.length === stripeCustomers.length,
    },
  };
}

/** The payments and invoices that the ledger knows. */
const namedBy = (entries: readonly LedgerEntry[]): ReadonlySet<unknown> =>
  new Set(entries.flatMap(({ metadata }) => [metadata['payment_intent_id'], metadata['invoice_id']]));

/** Without invoices that the ledger does not know and that were given back. */
async function withoutReturned(
  deps: PaymentDeps,
  invoices: readonly ProInvoice[],
  named: ReadonlySet<unknown>,
  beforeAsking: AuditOptions['beforeAsking'],
): Promise<readonly ProInvoice[]> {
  const stripe = await deps.stripe();
  const kept: ProInvoice[] = [];
  for (const invoice of invoices) {
    if (!named.has(invoice.id)) {
      await beforeAsking?.(CALLS_PER_RETURNED_INVOICE);
      if (await stripe.isInvoiceReturned(invoice)) continue;
    }
    kept.push(invoice);
  }
  return kept;
}

/** Without that of a Stripe customer whose money Stripe does not list any more. */
async function paidMoneyOf(
  deps: PaymentDeps,
  stripeCustomers: readonly string[],
): Promise<readonly PaidMoney[]> {
  const stripe = await deps.stripe();
  const listed = await Promise.all(
    stripeCustomers.map(async (id) => {
      try {
        return await stripe.readPaidMoney(id);
      } catch (error) {
        if (isFault(error, 'refused')) return null;
        throw error;
      }
    }),
  );
  return listed.filter((money) => money !== null);
}
