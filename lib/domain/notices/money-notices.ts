import type { PullRequest } from '../fix-attempt.ts';
import type { Notice } from '../notice.ts';
import { type DisputeOutcome, pullRequestName } from './money-content.ts';

/* Notices about charges for fixes, and about returned money. */

/** A charge for a fix was paid. */
export const chargePaid = (
  customerId: string,
  fix: PullRequest,
  payment: { readonly paymentIntentId: string; readonly amountCents: number },
  at: Date,
): Notice => ({
  customerId,
  id: payment.paymentIntentId,
  createdAt: at.toISOString(),
  content: { kind: 'receipt', amountCents: payment.amountCents, ...pullRequestName(fix) },
});

/** A second payment of a fix was returned. */
export const doublePaymentReturned = (
  customerId: string,
  payment: { readonly paymentIntentId: string; readonly amountCents: number },
  at: Date,
): Notice => ({
  customerId,
  id: payment.paymentIntentId,
  createdAt: at.toISOString(),
  content: {
    kind: 'refund_made',
    amountCents: payment.amountCents,
    isDouble: true,
    pullRequest: null,
  },
});

/**
 * A charge for a fix was refunded, in full or by a further part.
 * @param refund.returnedCents returned so far, in total; each total has one notice
 */
export const chargeRefunded = (
  customerId: string,
  fix: PullRequest,
  refund: {
    readonly paymentIntentId: string;
    readonly amountCents: number;
    readonly returnedCents: number;
  },
  at: Date,
): Notice => ({
  customerId,
  id: `${refund.paymentIntentId}-${refund.returnedCents}`,
  createdAt: at.toISOString(),
  content: {
    kind: 'refund_made',
    amountCents: refund.amountCents,
    isDouble: false,
    pullRequest: pullRequestName(fix),
  },
});

interface DisputedPayment {
  readonly id: string;
  readonly amountCents: number;
}

export const disputeOpened = (customerId: string, dispute: DisputedPayment, at: Date): Notice => ({
  customerId,
  id: dispute.id,
  createdAt: at.toISOString(),
  content: { kind: 'dispute', disputeId: dispute.id, amountCents: dispute.amountCents },
});

export const disputeClosed = (
  customerId: string,
  { id, amountCents }: DisputedPayment,
  outcome: DisputeOutcome,
  at: Date,
): Notice => ({
  customerId,
  id,
  createdAt: at.toISOString(),
  content: { kind: 'dispute_closed', disputeId: id, amountCents, outcome },
});
