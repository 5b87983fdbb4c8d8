import type { PaymentDeps } from '../deps.ts';
import type { LedgerRecords } from '../domain/verify.ts';
import { readLedgerRecords } from '../store/audit.ts';

/**
 * Everything stored of one customer beside what Stripe has of their money, as `verifyLedger` compares it; null when there is
 * no such customer. Reads much: for audits, never for a request.
 * @throws StripeFault, BillingError ledger_unavailable
 */
export async function auditCustomer(deps: PaymentDeps, customerId: string): Promise<LedgerRecords | null> {
  const records = await readLedgerRecords(deps.table, customerId);
  if (records === null) return null;
  const { head, returnedPaymentIntentIds } = records;
  const stripeCustomers = [head.stripeCustomerId, head.formerStripeCustomerId].filter((id) => id !== null);
  if (stripeCustomers.length === 0) return { ...records, stripe: { fixCharges: [], paidProInvoiceIds: [] } };

  const stripe = await deps.stripe();
  const money = await Promise.all(stripeCustomers.map((id) => stripe.readPaidMoney(id)));
  const returned = new Set(returnedPaymentIntentIds);
  return {
    ...records,
    stripe: {
      fixCharges: money
        .flatMap(({ fixPayments }) => fixPayments)
        .filter(({ paymentIntentId }) => !returned.has(paymentIntentId)),
      paidProInvoiceIds: money.flatMap(({ proInvoices }) => proInvoices.map(({ id }) => id)),
    },
  };
}
