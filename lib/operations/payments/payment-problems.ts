import { BillingError, type ProblemFacts } from '../../errors.ts';
import { lookUp } from '../../look-up.ts';
import { isFault, StripeFault } from '../../stripe/fault.ts';
import type { Decline } from '../../stripe/port.ts';

/* The public errors for failed calls to Stripe. */

/** The outcome of a payment is unknown. The payment is stored, so it is asked for again. */
export function stillPending(cause: unknown): BillingError {
  const detail =
    'The outcome of the payment is not known yet. Send the same request again; it is never paid twice.';
  return new BillingError('payment_pending', detail, {}, { cause });
}

/**
 * Converts the fault of a Stripe call that left no payment open to a BillingError. Returns any other error
 * unchanged.
 */
export function paymentsFault(fault: unknown): unknown {
  if (!(fault instanceof StripeFault)) return fault;
  if (isFault(fault, 'transient', 'indeterminate')) {
    const detail =
      'Stripe did not respond as expected. Send the same request again; it continues where it stopped.';
    return new BillingError('payments_unavailable', detail, {}, { cause: fault });
  }
  const detail = 'Payments are misconfigured on our side. Tell support the request id.';
  return new BillingError('payments_misconfigured', detail, {}, { cause: fault });
}

/** Runs calls to Stripe that leave no payment open if they fail, and converts their faults. */
export async function askStripe<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw paymentsFault(error);
  }
}

/** @param whatNext what the customer can do */
export function cardDeclined(
  { code, declineCode }: Decline,
  whatNext: string,
  facts: ProblemFacts = {},
): BillingError {
  const why = lookUp(DECLINE_TEXTS, declineCode ?? code) ?? 'The bank did not say why.';
  return new BillingError('card_declined', `The card was declined. ${why} ${whatNext}`, {
    ...facts,
    reasons: ['card_declined'],
    decline_code: declineCode ?? code,
  });
}

/**
 * The decline codes that a customer can act on. Lost and stolen cards get the same text as all other
 * declines.
 */
const DECLINE_TEXTS: Readonly<Record<string, string>> = {
  insufficient_funds: 'It has insufficient funds.',
  expired_card: 'It has expired.',
  incorrect_cvc: 'Its security code is incorrect.',
  card_velocity_exceeded: 'It was used too often in a short time.',
  processing_error: 'The bank could not process it just now.',
  payment_method_unusable: 'It is no longer on file.',
};
