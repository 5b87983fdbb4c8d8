import type Stripe from 'stripe';

/* What one refund, or one dispute, says of the money: the same for fixes, for invoices and for second payments. */

/** Neither failed nor canceled: the customer has the money, or is about to. */
export const isLive = ({ status }: Stripe.Refund): boolean => status !== 'failed' && status !== 'canceled';

/** What a dispute withdrew and did not reinstate, without fees. Its status says nothing of that. */
export function withdrawnCents({ amount, currency, balance_transactions: moves }: Stripe.Dispute): number {
  const net = moves.reduce((sum, move) => sum + move.amount, 0);
  if (net >= 0) return 0;
  // In an account that settles in another currency the moves are in that one.
  return moves.every((move) => move.currency === currency) ? -net : amount;
}

const CLOSED: ReadonlySet<string> = new Set(['won', 'lost', 'warning_closed', 'prevented']);

/** Whether a dispute still stands in the way of charging its customer. An appeal opens a lost one again. */
export const isOpen = ({ status }: Pick<Stripe.Dispute, 'status'>): boolean => !CLOSED.has(status);
