import type { CustomerHead } from '../customer.ts';
import { admit, type TriesByCard } from './card-tries.ts';

/*
 * Reasons not to charge a card. Billing, subscribing and `/usage` use these rules. Announced payments,
 * renewals and low-balance letters check the account's fields themselves: docs/change-it.md, "Add a reason
 * that blocks a charge".
 */

/** Obstacles of the account itself. */
export type AccountObstacle = 'no_billing_info' | 'account_disputed';
/** Listed in this order. The first one is the `code` of a problem. */
export type Obstacle = AccountObstacle | 'card_declined';

/** The customer whose card would be charged. */
export type Payer = Pick<CustomerHead, 'paymentMethodId' | 'stripeCustomerId' | 'openDisputes' | 'cardKey'>;

/** Recent tries of the customer's cards, and who asks for a payment and when. */
export interface Asked {
  readonly cards: TriesByCard;
  readonly at: Date;
  /** A person asks: skips the wait after a decline, but not the limit of tries. */
  readonly byPerson: boolean;
}

/** Obstacles apart from the card's tries. Empty if there is a card and no open dispute. */
export function accountObstacles({
  paymentMethodId,
  stripeCustomerId,
  openDisputes,
}: Omit<Payer, 'cardKey'>): AccountObstacle[] {
  const hasCard = paymentMethodId !== null && stripeCustomerId !== null;
  return [
    ...(hasCard ? [] : (['no_billing_info'] as const)),
    ...(openDisputes.length > 0 ? (['account_disputed'] as const) : []),
  ];
}

/** All obstacles to a charge. Empty if the card may be charged. */
export const chargeObstacles = (payer: Payer, asked: Asked): Obstacle[] => [
  ...accountObstacles(payer),
  ...(cardRefusal(payer, asked) === null ? [] : (['card_declined'] as const)),
];

export interface CardRefusal {
  /** When the card can be tried again; null if only another card helps. */
  readonly retryAt: Date | null;
}

/** The refusal if the budget of the card on file is used up for now. Null if the card may be tried. */
export function cardRefusal(
  { paymentMethodId, cardKey }: Pick<Payer, 'paymentMethodId' | 'cardKey'>,
  { cards, at, byPerson }: Asked,
): CardRefusal | null {
  if (paymentMethodId === null || cardKey === null) return null;
  const admission = admit(cards[cardKey], at, byPerson);
  return admission.kind === 'refused' ? { retryAt: admission.retryAt } : null;
}
