import { type CardClick, startCardSession } from '../../lib/operations/cards/start-card-session.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import type { CardName } from '../../local/stripe-double/cards.ts';
import { enterCard } from '../../local/stripe-double/resources/checkout-sessions.ts';
import type { MoneyInProcess } from './money-in-process.ts';

/* Stripe's page on which a customer adds a card. */

export const CLICK: CardClick = {
  sourceIp: '203.0.113.9',
  userAgent: 'Firefox',
  page: '/billing/card',
  linkId: null,
};
export const API_URL = 'https://billing.test';

/** Opens the page and returns its address. */
export async function startSession(deps: PaymentDeps, customerId: string, click = CLICK): Promise<string> {
  const started = await startCardSession(deps, customerId, click, API_URL);
  if (started.kind !== 'opened') throw new Error(`the session is ${started.kind}`);
  return started.url;
}

export const sessionIdOf = (url: string): string => /cs_test_\w+/.exec(url)?.[0] ?? '';

let fingerprints = 0;

/** The cardholder enters a card that no other customer has. Returns its id. */
export function enterNewCard(
  money: Pick<MoneyInProcess, 'double'>,
  sessionId: string,
  card: CardName = 'visa',
): string {
  const session = money.double.state.checkoutSessions.get(sessionId, 'path');
  enterCard(money.double.scope(), session, { card });
  const method = money.double.state.paymentMethods.newestFirst[0];
  if (method?.card == null) throw new Error('no card was entered');
  fingerprints += 1;
  method.card.fingerprint = `fingerprint${fingerprints}`;
  return method.id;
}
