import type Stripe from 'stripe';
import type { PaymentRefund, ReturnFacts } from '../../domain/payments/payment-return.ts';
import { allOf, PAGE } from '../paging.ts';
import { isLive, isOpen, withdrawnCents } from './disputes-and-refunds.ts';

/* What was returned of one payment, by us or in Stripe's dashboard. */

/** Marks our refund with its attempt. */
export const refundMetadata = (attempt: number): Stripe.MetadataParam => ({
  purpose: 'double_payment',
  attempt: String(attempt),
});

export async function readReturn(stripe: Stripe, paymentIntentId: string): Promise<ReturnFacts> {
  const of = { payment_intent: paymentIntentId, limit: PAGE };
  const refunds = (await allOf(stripe.refunds.list(of))).map(refundOf);
  let disputedCents = 0;
  let refusedBy: ReturnFacts['refusedBy'] = null;
  for (const dispute of await allOf(stripe.disputes.list(of))) {
    disputedCents += withdrawnCents(dispute);
    if (dispute.is_charge_refundable) continue;
    if (isOpen(dispute)) refusedBy = 'open_dispute';
    else refusedBy ??= 'closed_dispute';
  }
  return { refunds, disputedCents, refusedBy };
}

function refundOf(refund: Stripe.Refund): PaymentRefund {
  const { id, amount, metadata } = refund;
  const { purpose, attempt = '' } = metadata ?? {};
  const isOurs = purpose === 'double_payment' && /^[1-9]\d{0,8}$/.test(attempt);
  return { id, amountCents: amount, state: stateOf(refund), attempt: isOurs ? Number(attempt) : null };
}

function stateOf(refund: Stripe.Refund): PaymentRefund['state'] {
  if (!isLive(refund)) return 'failed';
  // `requires_action`, or a status newer than this code: neither returned nor lost.
  return refund.status === 'succeeded' ? 'succeeded' : 'pending';
}
