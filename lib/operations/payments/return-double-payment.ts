import type { PaymentDeps } from '../../runtime/deps.ts';
import { decodeDoublePayment, noteRefunded } from '../../store/guards.ts';
import { keys } from '../../store/keys.ts';
import { readTogether } from '../../store/table.ts';

/**
 * Gives a payment back that was announced to go back. Safe to repeat: Stripe refunds it once, and so does this; until it
 * has, the sweeper comes again.
 * @throws StripeFault, BillingError ledger_unavailable
 */
export async function returnDoublePayment(
  deps: PaymentDeps,
  customerId: string,
  paymentIntentId: string,
): Promise<void> {
  const key = keys.once(customerId, 'double_payment', paymentIntentId);
  const [item] = await readTogether(deps.table, [key]);
  const double = item === undefined ? null : decodeDoublePayment(item);
  if (double === null || double.refundId !== null) return;
  const stripe = await deps.stripe();
  const refundId = await stripe.refundPayment(paymentIntentId);
  await noteRefunded(deps.table, key, refundId);
  const { fixAttemptId, amountCents } = double;
  deps.report({ kind: 'double_payment_returned', customerId, fixAttemptId, paymentIntentId, amountCents });
}
