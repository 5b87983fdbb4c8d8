/** What Stripe says was returned of one payment. US cents. */
export interface ReturnFacts {
  readonly refunds: readonly PaymentRefund[];
  /** What disputes withdrew and did not reinstate, without fees. */
  readonly disputedCents: number;
  /** Stripe refuses to refund a payment while a dispute of it is open, and sometimes afterwards too. */
  readonly refusedBy: 'open_dispute' | 'closed_dispute' | null;
}

export interface PaymentRefund {
  readonly id: string;
  readonly amountCents: number;
  readonly state: 'succeeded' | 'pending' | 'failed';
  /** Which attempt of ours made it; null for a refund made by hand. */
  readonly attempt: number | null;
}

/** A payment that is being returned, as it is stored: the whole amount, and the newest attempt to refund the rest of it. */
export interface PaymentReturn {
  readonly amountCents: number;
  readonly attempt: number;
  /** What the newest attempt refunds; null for one of an earlier release, which refunded the whole payment. */
  readonly refundCents: number | null;
}

export type ReturnStep =
  /** All of it was returned, and Stripe has said so. */
  | { readonly kind: 'returned' }
  /** Stripe has not decided about a refund, or a dispute stands in the way. */
  | { readonly kind: 'wait' }
  /** The rest is refunded under a new key. */
  | { readonly kind: 'announce'; readonly attempt: number; readonly refundCents: number }
  /** The announced refund is sent, or sent again. */
  | { readonly kind: 'send' }
  /** Our refunds failed twice, or Stripe refuses them for good. */
  | { readonly kind: 'for_person'; readonly restCents: number };

/** One refund, and one new try. */
const MAX_FAILED = 2;

/**
 * What to do next to return a payment. What was returned is counted by amount, from whatever returned it: only the rest is
 * refunded. Pure, and right for any order in which refunds fail and disputes are won.
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
  // A key is sent with one amount only. Where the attempt was made, or the rest is another by now, the next one is new.
  const isMade = ours.some(({ attempt }) => attempt === stored.attempt);
  if (!isMade && stored.refundCents === restCents) return { kind: 'send' };
  return { kind: 'announce', attempt: stored.attempt + 1, refundCents: restCents };
}
