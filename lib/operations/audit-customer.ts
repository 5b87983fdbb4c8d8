import type { PaymentDeps } from '../deps.ts';
import { readLedgerRecords, type StoredRecords } from '../store/audit.ts';
import { isFault } from '../stripe/fault.ts';
import type { PaidMoney } from '../stripe/port.ts';

/**
 * Everything stored of one customer beside what Stripe has of their money, as `verifyLedger` compares it; null when there is
 * no such customer. Where the customer was deleted at Stripe, which then lists no payments of theirs, money is checked within
 * the ledger only. Reads much: for audits, never for a request.
 * @throws StripeFault, BillingError ledger_unavailable
 */
export async function auditCustomer(deps: PaymentDeps, customerId: string): Promise<StoredRecords | null> {
  const records = await readLedgerRecords(deps.table, customerId);
  if (records === null) return null;
  const { head, returnedPaymentIntentIds } = records;
  const stripeCustomers = [head.stripeCustomerId, head.formerStripeCustomerId].filter((id) => id !== null);
  if (stripeCustomers.length === 0) return { ...records, stripe: { fixCharges: [], paidProInvoices: [] } };

  const money = await paidMoneyOf(deps, stripeCustomers);
  if (money === null) return records;
  const returned = new Set(returnedPaymentIntentIds);
  return {
    ...records,
    stripe: {
      fixCharges: money
        .flatMap(({ fixPayments }) => fixPayments)
        .filter(({ paymentIntentId }) => !returned.has(paymentIntentId)),
      paidProInvoices: money.flatMap(({ proInvoices }) => proInvoices),
    },
  };
}

/** Null where Stripe does not list that of one of them any more. */
async function paidMoneyOf(
  deps: PaymentDeps,
  stripeCustomers: readonly string[],
): Promise<readonly PaidMoney[] | null> {
  const stripe = await deps.stripe();
  try {
    return await Promise.all(stripeCustomers.map((id) => stripe.readPaidMoney(id)));
  } catch (error) {
    if (isFault(error, 'refused')) return null;
    throw error;
  }
}
