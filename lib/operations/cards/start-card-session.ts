import type { CustomerHead } from '../../domain/customer.ts';
import { BILLING_CONSENT } from '../../domain/evidence/billing-consent.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { type CardSession, keepCardSession } from '../../store/payments/card-sessions.ts';
import { writeTogether } from '../../store/table.ts';
import { isFault } from '../../stripe/fault.ts';
import type { HostedCardSession } from '../../stripe/port.ts';
import { stripeCustomerOf, withStripeCustomer } from '../accounts/stripe-customer.ts';
import { accountClosed, customerGone } from '../ledger/require-item.ts';
import { ledgerBusy, retryContended } from '../ledger/retry-contended.ts';
import { askStripe } from '../payments/payment-problems.ts';
import { finishCardSession, readCardSession } from './finish-card-session.ts';

/** Where the click came from, for the consent. */
export interface CardClick {
  readonly sourceIp: string;
  readonly userAgent: string | null;
  readonly page: string;
  /** The id of the letter's link; null from the billing page. */
  readonly linkId: string | null;
}

/** Where to send the browser: to Stripe's page, or to the result of a session that is already complete. */
export type StartedSession =
  | { readonly kind: 'opened'; readonly url: string }
  | { readonly kind: 'complete'; readonly sessionId: string };

const MINUTE_MS = 60_000;
/** Less than the 24 hours that Stripe allows, because clocks differ. */
const OPEN_MS = 23 * 60 * MINUTE_MS;
/** A session with less time than this is replaced. */
const MIN_LEFT_MS = 15 * MINUTE_MS;
/** How long a call that got no answer is repeated under its idempotency key. */
const REPEAT_MS = 60 * MINUTE_MS;
const MAX_TRIES = 5;

/** Where Stripe sends the browser after the card was confirmed. The page needs no sign-in. */
const RETURN_PATH = '/billing/card/return?session={CHECKOUT_SESSION_ID}';

/**
 * Opens Stripe's page on which the customer adds a card. Repeated and concurrent clicks get the same page. A
 * session that the cardholder has completed is finished first. Moves no money.
 * @param apiUrl the address of our own pages
 * @throws BillingError account_closed, customer_not_found, payments_unavailable, payments_misconfigured,
 * ledger_busy, ledger_unavailable
 */
export async function startCardSession(
  deps: PaymentDeps,
  customerId: string,
  click: CardClick,
  apiUrl: string,
): Promise<StartedSession> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { head, session } = await readCardSession(deps, customerId);
    if (head === null) return customerGone();
    if (head.closedAt !== null) throw accountClosed(customerId);
    const started =
      session !== null && session.sessionId !== null && session.state !== 'finished'
        ? await reuse(deps, head, session, session.sessionId, click)
        : await open(deps, head, session, click, apiUrl);
    if (started !== null) return started;
  }
  throw ledgerBusy();
}

/** Continues the stored session. Null if a new one is needed, or after a lost race. */
async function reuse(
  deps: PaymentDeps,
  head: CustomerHead,
  session: CardSession,
  sessionId: string,
  click: CardClick,
): Promise<StartedSession | null> {
  const { customerId } = head;
  const stripe = await deps.stripe();
  const hosted = await askStripe(() => stripe.readCardSession(sessionId));
  if (hosted?.state === 'complete') {
    const { kind } = await finishCardSession(deps, customerId, hosted);
    // At Stripe, the session does not match the stored one. Drop it, so that the customer can add a card.
    if (kind === 'none') await drop(deps, customerId, session);
    return kind === 'none' ? null : { kind: 'complete', sessionId };
  }
  if (hosted?.state === 'open' && isUsable(deps, hosted, session, head) && hosted.url !== null) {
    return (await keep(deps, customerId, { ...session, ...click }, session))
      ? { kind: 'opened', url: hosted.url }
      : null;
  }
  // A customer never has two sessions that can be completed.
  if (hosted?.state === 'open') await askStripe(() => stripe.expireCardSession(sessionId));
  const left = await askStripe(() => stripe.readCardSession(sessionId));
  if (left?.state !== 'complete') await drop(deps, customerId, session);
  return null;
}

const isUsable = (
  deps: PaymentDeps,
  hosted: HostedCardSession,
  session: CardSession,
  head: CustomerHead,
): boolean =>
  hosted.expiresAt.getTime() - deps.now().getTime() > MIN_LEFT_MS &&
  session.stripeCustomerId === head.stripeCustomerId;

/** Ends a session that can no longer be completed. The next one gets a new attempt number. */
const drop = (deps: PaymentDeps, customerId: string, session: CardSession): Promise<boolean> =>
  keep(deps, customerId, { ...session, state: 'finished', outcome: null }, session);

/**
 * Opens a new session. It is stored before Stripe is asked, so a repeat after a crash asks under the same key
 * and gets the same session.
 */
async function open(
  deps: PaymentDeps,
  known: CustomerHead,
  before: CardSession | null,
  click: CardClick,
  apiUrl: string,
): Promise<StartedSession | null> {
  const owner = await withStripeCustomer(deps, known);
  const { customerId } = owner;
  const stripeCustomerId = stripeCustomerOf(owner);
  const isPending =
    before?.state === 'opening' &&
    before.stripeCustomerId === stripeCustomerId &&
    deps.now().getTime() - Date.parse(before.startedAt) < REPEAT_MS;
  const session: CardSession = isPending
    ? { ...before, ...click }
    : {
        attempt: (before?.attempt ?? 0) + 1,
        state: 'opening',
        sessionId: null,
        stripeCustomerId,
        cardBefore: owner.paymentMethodId,
        startedAt: deps.now().toISOString(),
        completedAt: null,
        outcome: null,
        ...click,
      };
  if (!(await keep(deps, customerId, session, before))) return null;
  const { attempt, startedAt } = session;
  const hosted = await askStripe(async () => {
    const stripe = await deps.stripe();
    try {
      return await stripe.openCardSession({
        customerId,
        stripeCustomerId,
        attempt,
        expiresAt: new Date(Date.parse(startedAt) + OPEN_MS),
        consent: BILLING_CONSENT.text,
        returnUrl: apiUrl + RETURN_PATH,
        cancelUrl: `${apiUrl}/billing/card`,
      });
    } catch (error) {
      if (!isFault(error, 'indeterminate') || !error.facts.replayed) throw error;
      // Stripe keeps a 500 answer under its key for a day, so another key is needed. Should a session exist
      // after all, its address is not known to anyone.
      await drop(deps, customerId, session);
      if (isPending) return null;
      throw error;
    }
  });
  if (hosted === null) return null;
  const { sessionId, url } = hosted;
  const isOpen = await keep(deps, customerId, { ...session, state: 'open', sessionId }, session);
  return isOpen && url !== null ? { kind: 'opened', url } : null;
}

async function keep(
  deps: PaymentDeps,
  customerId: string,
  session: CardSession,
  before: CardSession | null,
): Promise<boolean> {
  const write = keepCardSession(customerId, session, before);
  const result = await retryContended(deps, () => writeTogether(deps.table, [write]));
  return result.kind === 'written';
}
