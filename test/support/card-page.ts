import { readCardSession } from '../../lib/operations/cards/finish-card-session.ts';
import { type CardClick, startCardSession } from '../../lib/operations/cards/start-card-session.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { type CardSession, keepCardSession } from '../../lib/store/payments/card-sessions.ts';
import { writeTogether } from '../../lib/store/table.ts';
import type { CardName } from '../../local/stripe-double/cards.ts';
import { enterCard } from '../../local/stripe-double/resources/checkout-sessions.ts';
import { customerWith } from './fixtures.ts';
import { type MoneyInProcess, openMoneyInProcess } from './money-in-process.ts';
import { answering } from './stripe-answers.ts';
import { openTestTable } from './table.ts';

/* Stripe's page on which a customer adds a card. */

export const CLICK: CardClick = {
  sourceIp: '203.0.113.9',
  userAgent: 'Firefox',
  page: '/billing/card',
  linkId: null,
};
export const API_URL = 'https://billing.test';

/** A customer with 5 credits and no card, and a Stripe whose clock only the test moves. */
export async function customerWithoutCard() {
  const money = await openMoneyInProcess(await openTestTable(), Date.parse('2026-12-01T09:00:00Z'));
  const { customerId } = (await customerWith(money.deps, 5)).head;
  return { money, deps: money.deps, customerId };
}

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

/** The customer's newest session, as we stored it. */
export async function storedSession(deps: PaymentDeps, customerId: string): Promise<CardSession> {
  const { session } = await readCardSession(deps, customerId);
  if (session === null) throw new Error('no session');
  return session;
}

/** Changes the stored session, as another caller would. */
export async function moveSession(
  deps: PaymentDeps,
  customerId: string,
  changed: Partial<CardSession>,
): Promise<void> {
  const before = await storedSession(deps, customerId);
  await writeTogether(deps.table, [keepCardSession(customerId, { ...before, ...changed }, before)]);
}

/** Another caller moves the session whenever it is read at Stripe. Fails after ten reads. */
export async function movedAtEachRead(deps: PaymentDeps, customerId: string) {
  let reads = 0;
  const contended = await answering(deps, (port) => ({
    readCardSession: async (id) => {
      reads += 1;
      if (reads > 10) throw new Error('the call never ends');
      const { state } = await storedSession(deps, customerId);
      const completing = { state: 'completing', completedAt: deps.now().toISOString() } as const;
      await moveSession(deps, customerId, state === 'open' ? completing : { state: 'open' });
      return port.readCardSession(id);
    },
  }));
  return { contended, reads: () => reads };
}
