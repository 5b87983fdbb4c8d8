import type Stripe from 'stripe';
import { moveMoney } from '../balance.ts';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';

export type RefundAnswer = 'succeeded' | 'failed' | 'canceled';

export const FAILURE_REASONS = [
  'expired_or_canceled_card',
  'lost_or_stolen_card',
  'charge_for_pending_refund_disputed',
  'insufficient_funds',
  'merchant_request',
  'declined',
  'unknown',
] as const;

export type FailureReason = (typeof FAILURE_REASONS)[number];

/**
 * The bank's answer to a refund. A succeeded refund can still fail, days later.
 * @throws Refusal for a refund that ended another way.
 */
export function answerRefund(
  scope: Scope,
  refund: Stripe.Refund,
  answer: RefundAnswer,
  reason: FailureReason = 'expired_or_canceled_card',
): Stripe.Refund {
  const open = refund.status === 'pending' || (refund.status === 'succeeded' && answer === 'failed');
  if (!open) throw invalid(`A refund that is ${refund.status} cannot become ${answer}.`);
  switch (answer) {
    case 'succeeded':
      changeRefund(scope, refund, { status: 'succeeded' });
      return refund;
    case 'failed':
    case 'canceled':
      return bringBack(scope, refund, answer, reason);
    default:
      return answer satisfies never;
  }
}

/** Fails the pending refunds of a disputed charge: the dispute takes the money that they would return. */
export function failPendingRefunds(scope: Scope, chargeId: string): void {
  for (const refund of scope.state.refunds.newestFirst) {
    if (refund.charge !== chargeId || refund.status !== 'pending') continue;
    bringBack(scope, refund, 'failed', 'charge_for_pending_refund_disputed');
  }
}

export function changeRefund(scope: Scope, refund: Stripe.Refund, changes: Partial<Stripe.Refund>): void {
  changeAndEmit(scope, 'refund.updated', refund, changes);
  emit(scope, 'charge.refund.updated', refund);
}

/** The money returns to the balance, and the charge no longer counts it as refunded. */
function bringBack(
  scope: Scope,
  refund: Stripe.Refund,
  status: 'failed' | 'canceled',
  reason: FailureReason,
): Stripe.Refund {
  const { id: source, currency, amount } = refund;
  const movement = moveMoney(scope, 'refund_failure', { source, currency, amount });
  changeRefund(scope, refund, {
    status,
    failure_balance_transaction: movement.id,
    ...(status === 'failed' && { failure_reason: reason }),
  });
  if (status === 'failed') emit(scope, 'refund.failed', refund);
  const charge = scope.state.charges.known(idOf(refund.charge) ?? '');
  changeAndEmit(scope, 'charge.updated', charge, {
    amount_refunded: charge.amount_refunded - amount,
    refunded: false,
  });
  return refund;
}
