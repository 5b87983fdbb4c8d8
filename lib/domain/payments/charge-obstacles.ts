import type { CustomerHead } from '../customer.ts';
import { admit, type TriesByCard } from './card-tries.ts';
import { exceedsLimit, type Spending } from './spending.ts';

/*
 * Reasons not to charge a card. Billing, subscribing and `/usage` use these rules. Announced payments,
 * renewals and low-balance letters check the account's fields themselves: docs/change-it.md, "Add a reason
 * that blocks a charge".
 */

/** Obstacles of the account itself. */
export type AccountObstacle = 'no_billing_info' | 'account_disputed';
/** Obstacles that leave a fix unbilled before its card is tried. */
export type FixObstacle = AccountObstacle | 'spending_limit_reached';
/** Listed in this order. The first one is the `code` of a problem. */
export type Obstacle = FixObstacle | 'card_declined';

/** The customer whose card would be charged. */
export type Payer = Pick<
  CustomerHead,
  'paymentMethodId' | 'stripeCustomerId' | 'openDisputes' | 'cardKey' | 'spendingLimitCents'
>;

/** The next charge for a fix, and what was spent in its month. */
export interface WantedCharge {
  readonly amountCents: number;
  readonly spending: Spending;
}

/** Recent tries of the customer's cards, and who asks for a payment and when. */
export interface ChargeRequest {
  readonly cards: TriesByCard;
  readonly at: Date;
  /** A person asks: skips the wait after a decline, but not the limit of tries. */
  readonly byPerson: boolean;
  /** Absent for a payment that the spending limit does not count: a subscription or a renewal. */
  readonly wanted?: WantedCharge;
}

/** Obstacles apart from the card's tries. Empty if there is a card and no open dispute. */
export function accountObstacles({
  paymentMethodId,
  stripeCustomerId,
  openDisputes,
}: Omit<Payer, 'cardKey' | 'spendingLimitCents'>): AccountObstacle[] {
  const hasCard = paymentMethodId !== null && stripeCustomerId !== null;
  return [
    ...(hasCard ? [] : (['no_billing_info'] as const)),
    ...(openDisputes.length > 0 ? (['account_disputed'] as const) : []),
  ];
}

/** All obstacles to a charge. Empty if the card may be charged. */
export const chargeObstacles = (payer: Payer, asked: ChargeRequest): Obstacle[] => [
  ...accountObstacles(payer),
  ...(isOverLimit(payer, asked.wanted) ? (['spending_limit_reached'] as const) : []),
  ...(cardRefusal(payer, asked) === null ? [] : (['card_declined'] as const)),
];

/** Whether the spending limit of this month leaves no room for the charge. */
export const isOverLimit = (
  { spendingLimitCents }: Pick<Payer, 'spendingLimitCents'>,
  wanted: WantedCharge | undefined,
): boolean => wanted !== undefined && exceedsLimit(spendingLimitCents, wanted.spending, wanted.amountCents);

export interface CardRefusal {
  /** When the card can be tried again; null if only another card helps. */
  readonly retryAt: Date | null;
}

/** The refusal if the budget of the card on file is used up for now. Null if the card may be tried. */
export function cardRefusal(
  { paymentMethodId, cardKey }: Pick<Payer, 'paymentMethodId' | 'cardKey'>,
  { cards, at, byPerson }: ChargeRequest,
): CardRefusal | null {
  if (paymentMethodId === null || cardKey === null) return null;
  const admission = admit(cards[cardKey], at, byPerson);
  return admission.kind === 'refused' ? { retryAt: admission.retryAt } : null;
}
