import type Stripe from 'stripe';
import type { PaymentRefund, ReturnFacts } from '../../domain/payments/payment-return.ts';
import { PAGE } from '../paging.ts';

/* What was returned of one payment, whoever returned it. */

/** Marks a refund of ours with the attempt that made it. */
export const refundMetadata = (attempt: number): Stripe.MetadataParam => ({
  purpose: 'double_payment',
  attempt: String(attempt),
});

export async function readReturn(stripe: Stripe, paymentIntentId: string): Promise<ReturnFacts> {
  const of = { payment_intent: paymentIntentId, limit: PAGE };
  const refunds: PaymentRefund[] = [];
  for await (const refund of stripe.refunds.list(of)) refunds.push(refundOf(refund));
  let disputedCents = 0;
  let refusedBy: ReturnFacts['refusedBy'] = null;
  for await (const dispute of stripe.disputes.list(of)) {
    disputedCents += withdrawnCents(dispute);
    if (dispute.is_charge_refundable) continue;
    if (!CLOSED.has(dispute.status)) refusedBy = 'open_dispute';
    else refusedBy ??= 'closed_dispute';
  }
  return { refunds, disputedCents, refusedBy };
}

function refundOf({ id, amount, status, metadata }: Stripe.Refund): PaymentRefund {
  const { purpose, attempt = '' } = metadata ?? {};
  const isOurs = purpose === 'double_payment' && /^[1-9]\d{0,8}$/.test(attempt);
  return { id, amountCents: amount, state: stateOf(status), attempt: isOurs ? Number(attempt) : null };
}

function stateOf(status: string | null): PaymentRefund['state'] {
  if (status === 'failed' || status === 'canceled') return 'failed';
  // `requires_action`, or a status that is newer than we are: neither returned nor lost.
  return status === 'succeeded' ? 'succeeded' : 'pending';
}

/** Of the dispute's balance transactions, whose amounts are negative where money was withdrawn and are without fees. */
const withdrawnCents = ({ balance_transactions: moved }: Stripe.Dispute): number =>
  Math.max(0, -moved.reduce((sum, { amount }) => sum + amount, 0));

const CLOSED: ReadonlySet<string> = new Set(['won', 'lost', 'warning_closed', 'prevented']);
