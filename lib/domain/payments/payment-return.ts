/** What was returned of one payment, according to Stripe. US cents. */
export interface ReturnFacts {
  readonly refunds: readonly PaymentRefund[];
  /** Withdrawn by disputes and not reinstated, without fees. */
  readonly disputedCents: number;
  /** Stripe rejects refunds of a payment with an open dispute, and sometimes after the dispute is closed. */
  readonly refusedBy: 'open_dispute' | 'closed_dispute' | null;
}

export interface PaymentRefund {
  readonly id: string;
  readonly amountCents: number;
  readonly state: 'succeeded' | 'pending' | 'failed';
  /** The attempt that made this refund; null for a manual refund. */
  readonly attempt: number | null;
}

/** The stored return of a payment: the whole amount, and the newest attempt to refund the rest. */
export interface PaymentReturn {
  readonly amountCents: number;
  readonly attempt: number;
  /** What the newest attempt refunds. Null in an earlier release, which refunded the whole payment. */
  readonly refundCents: number | null;
}

export type ReturnStep =
  /** Everything was returned, and Stripe has confirmed it. */
  | { readonly kind: 'returned' }
  /** A refund is pending at Stripe, or an open dispute blocks it. */
  | { readonly kind: 'wait' }
  /** Refund the rest under a new idempotency key. */
  | { readonly kind: 'announce'; readonly attempt: number; readonly refundCents: number }
  /** Send the announced refund, or send it again. */
  | { readonly kind: 'send' }
  /** Our refunds failed twice, or Stripe rejects them permanently. */
  | { readonly kind: 'for_person'; readonly restCents: number };

/** One refund and one retry. */
const MAX_FAILED = 2;

/**
 * Decides the next step to return a payment. Every returned amount counts, whatever returned it; only the
 * rest is refunded. Pure, and correct for any order of failed refunds and won disputes.
 */
export function decideReturn(stored: PaymentReturn, facts: ReturnFacts): ReturnStep {
  const counted = facts.refunds.filter(({ state }) => state !== 'failed');
  const refunded = counted.reduce((sum, { amountCents }) => sum + amountCents, 0);
  const restCents = stored.amountCents - refunded - facts.disputedCents;
  if (restCents <= 0) {
    return { kind: counted.some(({ state }) => state === 'pending') ? 'wait' : 'returned' };
  }
  if (facts.refusedBy === 'open_dispute') return { kind: 'wait' };
  const ours = facts.refunds.filter(({ attempt }) => attempt !== null);
  const failed = ours.filter(({ state }) => state === 'failed').length;
  if (failed >= MAX_FAILED || facts.refusedBy !== null) return { kind: 'for_person', restCents };
  // An idempotency key has one amount. If the attempt was made, or the rest changed, announce a new one.
  const isMade = ours.some(({ attempt }) => attempt === stored.attempt);
  if (!isMade && stored.refundCents === restCents) return { kind: 'send' };
  return { kind: 'announce', attempt: stored.attempt + 1, refundCents: restCents };
}
