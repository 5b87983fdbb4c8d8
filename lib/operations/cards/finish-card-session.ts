import type { CustomerHead } from '../../domain/customer.ts';
import type { ConsentOrigin } from '../../domain/evidence/billing-consent.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { decodeHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import {
  type CardSession,
  type CardSessionOutcome,
  decodeCardSession,
  keepCardSession,
} from '../../store/payments/card-sessions.ts';
import { readTogether, writeTogether } from '../../store/table.ts';
import type { HostedCardSession } from '../../stripe/port.ts';
import { addPaymentMethod, type CardSource } from '../accounts/add-payment-method.ts';
import { ledgerBusy, retryContended } from '../ledger/retry-contended.ts';
import { askStripe } from '../payments/payment-problems.ts';

/*
 * The end of a Checkout session. The return page, the webhook and the sweeper may all finish it; the card is
 * put on file once.
 */

/** `none`: the customer has no such session. `open` and `expired`: the cardholder confirmed no card. */
export type FinishedSession = CardSessionOutcome | { readonly kind: 'none' | 'open' | 'expired' };

const NONE = { kind: 'none' } as const;
/** A try is repeated only if another caller has moved the session, and a session moves twice at most. */
const MAX_TRIES = 5;

/**
 * Puts the card of the customer's Checkout session on file, if the cardholder has confirmed one, with the
 * bonus and the payment of an open renewal. Idempotent, also concurrently. If Stripe fails midway, the
 * session stays open work.
 * @param known the session as the caller has just read it from Stripe
 * @throws BillingError payments_unavailable, payments_misconfigured, ledger_busy, ledger_unavailable
 */
export async function finishCardSession(
  deps: PaymentDeps,
  customerId: string,
  known?: HostedCardSession,
): Promise<FinishedSession> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { head, session } = await readCardSession(deps, customerId);
    if (head === null || session === null || session.sessionId === null) return NONE;
    const { sessionId } = session;
    if (known !== undefined && known.sessionId !== sessionId) return NONE;
    if (session.state === 'finished') return session.outcome ?? NONE;
    const hosted = known ?? (await askStripe(async () => (await deps.stripe()).readCardSession(sessionId)));
    if (hosted === null || !isTheirs(hosted, customerId, session)) return NONE;
    if (hosted.state !== 'complete') return { kind: hosted.state };
    const completing = await announce(deps, customerId, session);
    if (completing === null) continue;
    const outcome = await complete(deps, head, completing, hosted);
    if (outcome !== null) return outcome;
  }
  throw ledgerBusy();
}

/**
 * Finishes the Checkout session that a browser returned from. The visitor need not be signed in: the customer
 * comes from Stripe, and this only carries out what the cardholder confirmed there.
 * @throws BillingError as `finishCardSession`
 */
export async function finishReturnedSession(
  deps: PaymentDeps,
  sessionId: string,
): Promise<FinishedSession & { readonly customerId: string | null }> {
  const hosted = await askStripe(async () => (await deps.stripe()).readCardSession(sessionId));
  const customerId = hosted?.customerId ?? null;
  if (hosted === null || customerId === null || !/^[0-9a-f]{32}$/.test(customerId)) {
    return { ...NONE, customerId: null };
  }
  return { ...(await finishCardSession(deps, customerId, hosted)), customerId };
}

/** The customer's head and newest session; null if there is none. */
export async function readCardSession(
  { table }: PaymentDeps,
  customerId: string,
): Promise<{ readonly head: CustomerHead | null; readonly session: CardSession | null }> {
  const [head, item] = await readTogether(table, [keys.head(customerId), keys.cardSession(customerId)]);
  return {
    head: head === undefined ? null : decodeHead(head),
    session: item === undefined ? null : decodeCardSession(item),
  };
}

/** Compares with what we stored: anyone with our Stripe key can write a session's metadata. */
const isTheirs = (hosted: HostedCardSession, customerId: string, session: CardSession): boolean =>
  hosted.customerId === customerId &&
  hosted.attempt === session.attempt &&
  hosted.stripeCustomerId === session.stripeCustomerId;

/** Stores that a card was confirmed, so that the sweeper finishes after a crash. Null after a lost race. */
async function announce(
  deps: PaymentDeps,
  customerId: string,
  session: CardSession,
): Promise<CardSession | null> {
  if (session.state === 'completing') return session;
  const completing = { ...session, state: 'completing', completedAt: deps.now().toISOString() } as const;
  return (await move(deps, customerId, completing, session)) ? completing : null;
}

async function move(
  deps: PaymentDeps,
  customerId: string,
  session: CardSession,
  before: CardSession,
): Promise<boolean> {
  const write = keepCardSession(customerId, session, before);
  const result = await retryContended(deps, () => writeTogether(deps.table, [write]));
  return result.kind === 'written';
}

/** Null after a lost race. */
async function complete(
  deps: PaymentDeps,
  head: CustomerHead,
  session: CardSession,
  { card }: HostedCardSession,
): Promise<CardSessionOutcome | null> {
  const { customerId } = head;
  const end = async (kind: CardSessionOutcome['kind']) => {
    const outcome = { kind, bonusCredits: 0, renewal: 'none' } as const;
    return (await move(deps, customerId, finished(session, outcome), session)) ? outcome : null;
  };
  if (card === null) return end('refused');
  const { paymentMethodId } = card;
  if (head.closedAt !== null) return detachThen(deps, paymentMethodId, () => end('closed'));
  if (head.stripeCustomerId !== session.stripeCustomerId) return end('refused');
  if (await isSuperseded(deps, session, card)) return end('superseded');
  try {
    const source = sourceOf(customerId, session);
    const added = await addPaymentMethod(deps, head, paymentMethodId, originOf(session), source);
    if (added.isRepeat) return null;
    deps.report({ kind: 'payment_method_added', customerId });
    const { bonusCredits, renewal } = added;
    const outcome = { kind: 'on_file', bonusCredits, renewal } as const;
    // The session was finished before the renewal was tried. This write adds its outcome for the page.
    if (renewal !== 'none') {
      const before = finished(session, { ...outcome, renewal: 'none' });
      await move(deps, customerId, { ...before, outcome }, before);
    }
    return outcome;
  } catch (error) {
    if (!(error instanceof BillingError)) throw error;
    if (error.code === 'account_closed') return detachThen(deps, paymentMethodId, () => end('closed'));
    if (error.code === 'card_declined' || error.code === 'payment_method_invalid') return end('refused');
    throw error;
  }
}

/** A closed account keeps no card. */
async function detachThen<T>(deps: PaymentDeps, paymentMethodId: string, then: () => Promise<T>): Promise<T> {
  await askStripe(async () => (await deps.stripe()).detachCard(paymentMethodId));
  return then();
}

/**
 * Whether the default card has changed since the session began, to a card that was entered later. A session
 * that is finished late must not undo that.
 */
async function isSuperseded(
  deps: PaymentDeps,
  { stripeCustomerId, cardBefore }: CardSession,
  { paymentMethodId, createdAt }: NonNullable<HostedCardSession['card']>,
): Promise<boolean> {
  const now = await askStripe(async () => (await deps.stripe()).readCardDetails(stripeCustomerId));
  if (now === null || now.paymentMethodId === cardBefore || now.paymentMethodId === paymentMethodId)
    return false;
  return now.createdAt >= createdAt;
}

const sourceOf = (customerId: string, session: CardSession): CardSource => ({
  key: keys.cardSession(customerId),
  isOpen: (item) => {
    const now = item === undefined ? null : decodeCardSession(item);
    return now?.attempt === session.attempt && now.state === 'completing';
  },
  close: (bonusCredits) =>
    keepCardSession(
      customerId,
      finished(session, { kind: 'on_file', bonusCredits, renewal: 'none' }),
      session,
    ),
});

const finished = (session: CardSession, outcome: CardSessionOutcome): CardSession => ({
  ...session,
  state: 'finished',
  outcome,
});

const originOf = ({ sourceIp, userAgent, page }: CardSession): ConsentOrigin => ({
  sourceIp,
  userAgent,
  by: { kind: 'page', page },
});
