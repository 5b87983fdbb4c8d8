import type { PaymentDeps } from '../../runtime/deps.ts';
import { isFault, StripeFault } from '../../stripe/fault.ts';
import { KEY_IS_SAFE_MS, type StripePort } from '../../stripe/port.ts';
import { paymentsFault, stillPending } from './payment-problems.ts';

/**
 * One announced payment: what differs between a fix charge, an order, a renewal and a refund. `Made` is what Stripe makes of
 * it, `Outcome` what the caller gets.
 */
export interface Attempt<Made, Outcome> {
  /** When it was announced; ISO 8601. */
  readonly startedAt: string;
  /** Reads again what the announcement was based on: dispute, closed account, default card. False where one has changed. */
  readonly holds: () => Promise<boolean>;
  /** Asks under the attempt's own key, with the announced parameters and no others. */
  readonly ask: (stripe: StripePort) => Promise<Made>;
  /** What the attempt made at Stripe, found by its metadata; null where it made nothing. */
  readonly find: (stripe: StripePort) => Promise<Made | null>;
  /** Ends what was found, so that it cannot be paid later. Returns its state afterwards; null where nothing is left. */
  readonly end: (stripe: StripePort, made: Made) => Promise<Made | null>;
  /** Stripe itself makes this payment at most once, under any key: an invoice is paid once. */
  readonly isOnceAtStripe?: true;
  /** Writes what became of it. */
  readonly settle: (made: Made) => Promise<Outcome>;
  /** Writes that it came to nothing. The next payment is a new attempt under a new key. */
  readonly close: (fault: StripeFault | null) => Promise<void>;
  /** What the caller gets after `close`. */
  readonly closed: (fault: StripeFault | null) => Promise<Outcome>;
}

/** Longer than any request takes. A younger attempt may still be in flight in another call, before Stripe lists its payment. */
export const IN_FLIGHT_MS = 2 * 60 * 1000;

/**
 * Makes an announced payment, or finds out what became of it, and writes the outcome. Stripe keeps a key for 24 hours: for 23
 * the same call is sent again, afterwards the payment is only looked for. It is also only looked for where dispute, account or
 * card have changed, so a key is never sent with other parameters. Safe to repeat and to run concurrently.
 * @throws BillingError payment_pending while the outcome is not known: the attempt stays announced; payments_misconfigured;
 * whatever `settle`, `close` and `closed` throw
 */
export async function finishAttempt<Made, Outcome>(
  deps: PaymentDeps,
  attempt: Attempt<Made, Outcome>,
): Promise<Outcome> {
  const stripe = await deps.stripe();
  const ageMs = deps.now().getTime() - Date.parse(attempt.startedAt);
  if (ageMs > KEY_IS_SAFE_MS || !(await looking(attempt.holds))) return lookFor(stripe, attempt, ageMs);
  let made: Made;
  try {
    made = await attempt.ask(stripe);
  } catch (error) {
    if (!(error instanceof StripeFault)) throw error;
    if (isFault(error, 'transient', 'indeterminate')) return afterSilence(stripe, attempt, error);
    await attempt.close(error);
    return attempt.closed(error);
  }
  return attempt.settle(made);
}

/**
 * Looks for the payment without sending it: settles what was made, and closes the attempt where nothing was. An attempt that
 * may be in flight in another call stays open: closing it would let a second payment start on another card.
 */
async function lookFor<Made, Outcome>(
  stripe: StripePort,
  attempt: Attempt<Made, Outcome>,
  ageMs: number,
): Promise<Outcome> {
  const found = await looking(() => attempt.find(stripe));
  if (found === null && ageMs < IN_FLIGHT_MS && !attempt.isOnceAtStripe) throw stillPending(undefined);
  const ended = found === null ? null : await looking(() => attempt.end(stripe, found));
  if (ended !== null) return attempt.settle(ended);
  await attempt.close(null);
  return attempt.closed(null);
}

/** After an answer that was no outcome, the payment is looked for; after none at all, that would fail too. */
async function afterSilence<Made, Outcome>(
  stripe: StripePort,
  attempt: Attempt<Made, Outcome>,
  fault: StripeFault,
): Promise<Outcome> {
  if (fault.kind === 'transient' || !fault.facts.answered) throw stillPending(fault);
  const found = await looking(() => attempt.find(stripe));
  if (found !== null) return attempt.settle(found);
  // Stripe gives the same answer under this key from now on, and made nothing: only another attempt can.
  if (fault.facts.replayed) await attempt.close(null);
  throw stillPending(fault);
}

/** A read that fails decides nothing: the attempt stays announced. */
async function looking<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw isFault(error, 'transient', 'indeterminate') ? stillPending(error) : paymentsFault(error);
  }
}
