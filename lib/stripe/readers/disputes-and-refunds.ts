import type Stripe from 'stripe';
import type { DisputeOutcome } from '../../domain/notices/money-content.ts';
import { lookUp } from '../../look-up.ts';

/* The money of one refund or one dispute: the same for fixes, invoices and double payments. */

/** Neither failed nor canceled: the customer has the money, or will get it. */
export const isLive = ({ status }: Stripe.Refund): boolean => status !== 'failed' && status !== 'canceled';

/** Withdrawn by a dispute and not reinstated, without fees. The dispute's status does not show this. */
export function withdrawnCents({ amount, currency, balance_transactions: moves }: Stripe.Dispute): number {
  const net = moves.reduce((sum, move) => sum + move.amount, 0);
  if (net >= 0) return 0;
  // If the account settles in another currency, the moves are in that currency.
  return moves.every((move) => move.currency === currency) ? -net : amount;
}

/** The end of a dispute, as the customer gets it. */
const OUTCOMES: Readonly<Record<string, DisputeOutcome>> = {
  won: 'won',
  lost: 'lost',
  warning_closed: 'closed',
  prevented: 'closed',
};

/** How a dispute ended; null while it is open. */
export const outcomeOf = ({ status }: Pick<Stripe.Dispute, 'status'>): DisputeOutcome | null =>
  lookUp(OUTCOMES, status) ?? null;

/** Whether a dispute still blocks charges to its customer. An appeal reopens a lost dispute. */
export const isOpen = ({ status }: Pick<Stripe.Dispute, 'status'>): boolean => outcomeOf({ status }) === null;
