import type { PaymentDeps } from '../../runtime/deps.ts';
import { isFault, StripeFault } from '../../stripe/fault.ts';
import { KEY_IS_SAFE_MS, type StripePort } from '../../stripe/port.ts';
import { paymentsFault, stillPending } from './payment-problems.ts';

/**
 * One announced payment: the differences between a fix charge, an order, a renewal and a refund. `Made` is
 * what Stripe creates, `Outcome` what the caller gets.
 */
export interface Attempt<Made, Outcome> {
  /** When it was announced; ISO 8601. */
  readonly startedAt: string;
  /**
   * Rechecks the basis of the announcement: disputes, closed account, default card. False if one of them has
   * changed.
   */
  readonly holds: () => Promise<boolean>;
  /** Asks Stripe under the attempt's own idempotency key, with exactly the announced parameters. */
  readonly ask: (stripe: StripePort) => Promise<Made>;
  /** What the attempt created at Stripe, found by its metadata; null if nothing. */
  readonly find: (stripe: StripePort) => Promise<Made | null>;
  /**
   * Cancels what `find` returned unless it is paid, so that it cannot be paid later. Returns its state
   * afterwards; null if there is nothing to settle.
   */
  readonly end: (stripe: StripePort, made: Made) => Promise<Made | null>;
  /** Stripe makes this payment at most once, under any key: an invoice is paid once. */
  readonly isOnceAtStripe?: true;
  /** Writes the outcome of the payment. */
  readonly settle: (made: Made) => Promise<Outcome>;
  /** Writes that the attempt ended without a payment. The next attempt has a new key. */
  readonly close: (fault: StripeFault | null) => Promise<void>;
  /** What the caller gets after `close`. */
  readonly closed: (fault: StripeFault | null) => Promise<Outcome>;
}

/**
 * Longer than any request takes. Another call may still have a younger attempt in flight, not yet listed by
 * Stripe.
 */
export const IN_FLIGHT_MS = 2 * 60 * 1000;

/**
 * Makes an announced payment, or looks up its outcome, and writes the outcome. Stripe keeps an idempotency
 * key for 24 hours: for 23 hours the same call is sent again, afterwards the payment is only looked up. If
 * dispute, account or card have changed, it is also only looked up, so a key is never sent with other
 * parameters. Idempotent, also concurrently.
 * @throws BillingError payment_pending while the outcome is unknown (the attempt stays announced),
 * payments_misconfigured; whatever `settle`, `close` and `closed` throw
 */
export async function finishAttempt<Made, Outcome>(
  deps: PaymentDeps,
  attempt: Attempt<Made, Outcome>,
): Promise<Outcome> {
  const stripe = await deps.stripe();
  const ageMs = deps.now().getTime() - Date.parse(attempt.startedAt);
  if (ageMs > KEY_IS_SAFE_MS || !(await pendingIfUnread(attempt.holds)))
    return findOutcome(stripe, attempt, ageMs);
  let made: Made;
  try {
    made = await attempt.ask(stripe);
  } catch (error) {
    if (!(error instanceof StripeFault)) throw error;
    if (isFault(error, 'transient', 'indeterminate')) return findAfterFault(stripe, attempt, error);
    await attempt.close(error);
    return attempt.closed(error);
  }
  return attempt.settle(made);
}

/**
 * Looks up the payment without sending it: settles it if it was made, otherwise closes the attempt. An
 * attempt that another call may have in flight stays open: closing it would allow a second payment on another
 * card.
 */
async function findOutcome<Made, Outcome>(
  stripe: StripePort,
  attempt: Attempt<Made, Outcome>,
  ageMs: number,
): Promise<Outcome> {
  const found = await pendingIfUnread(() => attempt.find(stripe));
  if (found === null && ageMs < IN_FLIGHT_MS && !attempt.isOnceAtStripe) throw stillPending(undefined);
  const ended = found === null ? null : await pendingIfUnread(() => attempt.end(stripe, found));
  if (ended !== null) return attempt.settle(ended);
  await attempt.close(null);
  return attempt.closed(null);
}

/**
 * After an answer without an outcome, looks up the payment. After no answer at all, a look-up would fail too.
 */
async function findAfterFault<Made, Outcome>(
  stripe: StripePort,
  attempt: Attempt<Made, Outcome>,
  fault: StripeFault,
): Promise<Outcome> {
  if (fault.kind === 'transient' || !fault.facts.answered) throw stillPending(fault);
  const found = await pendingIfUnread(() => attempt.find(stripe));
  if (found !== null) return attempt.settle(found);
  // Stripe made nothing and replays this answer for this key, so only another attempt can succeed.
  if (fault.facts.replayed) await attempt.close(null);
  throw stillPending(fault);
}

/** A failed read decides nothing: the attempt stays announced. */
async function pendingIfUnread<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw isFault(error, 'transient', 'indeterminate') ? stillPending(error) : paymentsFault(error);
  }
}
