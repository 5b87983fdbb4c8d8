import type Stripe from 'stripe';
import { type CardName, fingerprintOf, testCard } from '../cards.ts';
import { invalid } from '../http/errors.ts';
import { changeAndEmit, type Scope } from '../scope.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const LAST_DIGITS = 10_000;

export type CardUpdate = 'replaced' | 'expired';

/**
 * Updates a card as its issuer does: the card expires, or a new card that behaves like the test card
 * `behavesLike` replaces it. The payment method keeps its id.
 * @throws Refusal for a method that is not a card or has no customer.
 */
export function updateCardAutomatically(
  scope: Scope,
  method: Stripe.PaymentMethod,
  kind: CardUpdate,
  behavesLike: CardName,
): Stripe.PaymentMethod {
  const { card } = method;
  if (card === undefined || method.customer === null) throw invalid('Only a card on file is updated.');
  const facts = scope.state.cardFacts.get(method.id);
  const spent = facts?.spent ?? false;
  const setUp = facts?.setUp ?? false;
  const name: CardName = kind === 'expired' ? 'chargeDeclinedExpiredCard' : behavesLike;
  scope.state.cardFacts.set(method.id, { card: name, setUp, spent });
  changeAndEmit(scope, 'payment_method.automatically_updated', method, {
    card: kind === 'expired' ? { ...card, ...monthBefore(scope.now) } : replaced(scope, card, name),
  });
  return method;
}

/** The same brand with another number, and so another fingerprint. */
function replaced(scope: Scope, card: Stripe.PaymentMethod.Card, name: CardName): Stripe.PaymentMethod.Card {
  const drawn = scope.random(8);
  const last4 = String(drawn.readUInt32BE(0) % LAST_DIGITS).padStart(4, '0');
  const { brand, funding } = testCard(name);
  const fingerprint = fingerprintOf(`${last4} ${drawn.toString('hex')}`);
  return { ...card, brand, funding, last4, fingerprint, exp_year: card.exp_year + 4 };
}

function monthBefore(nowSeconds: number): Pick<Stripe.PaymentMethod.Card, 'exp_month' | 'exp_year'> {
  const now = new Date(nowSeconds * 1_000);
  const last = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1) - DAY_MS);
  return { exp_month: last.getUTCMonth() + 1, exp_year: last.getUTCFullYear() };
}
