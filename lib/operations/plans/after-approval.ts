import type { PaymentDeps } from '../../runtime/deps.ts';
import { readOrder } from '../../store/orders.ts';
import type { NextStep } from '../../stripe/port.ts';
import { followFixPayment, readFixApproval } from '../fixes/approve-fix.ts';
import { askStripe } from '../payments/payment-problems.ts';
import { followOrder } from './finish-order.ts';

/** What a cardholder approves: the payment for a fix, or the first payment of an order (null). */
export type Approvable = string | null;

/**
 * Stores the outcome after the bank sent the cardholder back. Trusts nothing that the browser says: it reads
 * our order or fix, and its payment at Stripe. Idempotent, and safe for anyone to call.
 * @throws BillingError payments_unavailable, payments_misconfigured, ledger_busy, ledger_unavailable
 */
export const afterApproval = (deps: PaymentDeps, customerId: string, fixId: Approvable): Promise<void> =>
  fixId === null ? followOrder(deps, customerId) : followFixPayment(deps, customerId, fixId);

/** The next step of an approval, and another way to pay. */
export interface ApprovalStep {
  /** Null if nothing waits. */
  readonly next: NextStep | null;
  /** Stripe's page of the order's invoice; null for a fix. */
  readonly invoiceUrl: string | null;
}

/**
 * Reads at Stripe what the cardholder's browser does next.
 * @throws BillingError payments_unavailable, payments_misconfigured, ledger_unavailable
 */
export async function readApprovalStep(
  deps: PaymentDeps,
  customerId: string,
  fixId: Approvable,
): Promise<ApprovalStep> {
  if (fixId !== null) {
    const approval = await readFixApproval(deps, customerId, fixId);
    return { next: approval?.next ?? null, invoiceUrl: null };
  }
  const order = await readOrder(deps.table, customerId);
  if (order?.state !== 'awaiting_approval') return { next: null, invoiceUrl: null };
  const stripe = await deps.stripe();
  const ordered = await askStripe(() => stripe.findOrdered(order.stripeCustomerId, order.attempt));
  const invoiceId = ordered?.invoice?.id;
  return {
    next: ordered?.payment?.next ?? null,
    invoiceUrl:
      invoiceId === undefined
        ? null
        : await askStripe(() => stripe.readInvoicePage(invoiceId, order.stripeCustomerId)),
  };
}
