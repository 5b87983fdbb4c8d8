import Stripe from 'stripe';
import { BillingError } from '../errors.ts';

/**
 * Maximum age of a delivery, and maximum lead over our clock: more than clocks differ, too little for a
 * replay.
 */
const TOLERANCE_SECONDS = 300;

/**
 * The payload of a delivery, if one of the secrets signed exactly these bytes recently. Idempotent.
 * @throws BillingError invalid_signature (without the reason), malformed_json
 */
export function verifiedPayload(
  body: string,
  header: string | undefined,
  secrets: readonly string[],
  now: Date,
): unknown {
  // The SDK checks only the age. A delivery from the future could be stored and replayed at any time.
  const isTimely =
    header !== undefined && signedAtSeconds(header) - now.getTime() / 1000 <= TOLERANCE_SECONDS;
  if (!isTimely) throw invalidSignature();
  if (!secrets.some((secret) => isSignedWith(secret, body, header, now))) throw invalidSignature();
  try {
    return JSON.parse(body);
  } catch {
    throw new BillingError('malformed_json', 'The body is signed, but it is not an event in JSON.');
  }
}

/**
 * Verifies only. The SDK's `constructEvent` also parses, and throws on thin events of API v2, which have the
 * same signature.
 */
function isSignedWith(secret: string, body: string, header: string, now: Date): boolean {
  try {
    const { signature } = Stripe.webhooks;
    return (
      signature?.verifyHeader(body, header, secret, TOLERANCE_SECONDS, undefined, now.getTime()) ?? false
    );
  } catch {
    // A wrong signature, or a malformed header, for which the SDK throws other errors.
    return false;
  }
}

/** NaN unless there is exactly one: with two, the SDK could verify one while we read the other. */
function signedAtSeconds(header: string): number {
  const [moment, ...more] = header.split(',').filter((part) => part.startsWith('t='));
  return moment !== undefined && more.length === 0 && /^t=\d{1,12}$/.test(moment)
    ? Number(moment.slice('t='.length))
    : Number.NaN;
}

const invalidSignature = (): BillingError =>
  new BillingError(
    'invalid_signature',
    'The header stripe-signature is missing, too old or too new, or does not fit the body.',
  );
