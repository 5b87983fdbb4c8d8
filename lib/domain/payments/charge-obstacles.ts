import type { CustomerHead } from '../customer.ts';
import { admit, type TriesByCard } from './card-tries.ts';

/* Why no card may be charged. Billing, subscribing, `/usage` and letters all use these rules. */

/** What the account itself stands in the way with. */
export type AccountObstacle = 'no_billing_info' | 'account_disputed';
/** In this order they are listed, and the first is the `code` of a problem. */
export type Obstacle = AccountObstacle | 'card_declined';

/** Whose card would be charged. */
export type Payer = Pick<CustomerHead, 'paymentMethodId' | 'stripeCustomerId' | 'openDisputes' | 'cardKey'>;

/** How the customer's cards have behaved, and who asks for a payment when. */
export interface Asked {
  readonly cards: TriesByCard;
  readonly at: Date;
  /** A person asks: the wait after a decline is skipped, the limit of tries is not. */
  readonly byPerson: boolean;
}

/** What stands in the way whatever the card does. Empty where there is a card and no open dispute. */
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

/** Everything that stands in the way of a charge. Empty where a card may be charged. */
export const chargeObstacles = (payer: Payer, asked: Asked): Obstacle[] => [
  ...accountObstacles(payer),
  ...(cardRefusal(payer, asked) === null ? [] : (['card_declined'] as const)),
];

export interface CardRefusal {
  /** When the card is tried again; null where only another card helps. */
  readonly retryAt: Date | null;
}

/** The budget of the card on file, where it is used up for now. Null where the card may be tried. */
export function cardRefusal(
  { paymentMethodId, cardKey }: Pick<Payer, 'paymentMethodId' | 'cardKey'>,
  { cards, at, byPerson }: Asked,
): CardRefusal | null {
  if (paymentMethodId === null || cardKey === null) return null;
  const admission = admit(cards[cardKey], at, byPerson);
  return admission.kind === 'refused' ? { retryAt: admission.retryAt } : null;
}
