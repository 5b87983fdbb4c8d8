import Stripe from 'stripe';
import { BillingError } from '../errors.ts';

/** How old a delivery may be, and how far ahead of our clock: longer than clocks differ, too short to replay one. */
const TOLERANCE_SECONDS = 300;

/**
 * What a delivery says, once one of the secrets has signed these very bytes not long ago. Safe to repeat.
 * @throws BillingError invalid_signature (nothing is told of what was wrong with it), malformed_json
 */
export function verifiedPayload(
  body: string,
  header: string | undefined,
  secrets: readonly string[],
  now: Date,
): unknown {
  // The SDK looks at the age alone; a delivery from the future could be kept and used for ever.
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

/** Only verifies. The SDK's `constructEvent` also parses, and throws at the thin events of API v2, which are signed alike. */
function isSignedWith(secret: string, body: string, header: string, now: Date): boolean {
  try {
    const { signature } = Stripe.webhooks;
    return (
      signature?.verifyHeader(body, header, secret, TOLERANCE_SECONDS, undefined, now.getTime()) ?? false
    );
  } catch {
    // A wrong signature, and a header that is not of the SDK's shape, at which it fails in ways of its own.
    return false;
  }
}

/** NaN unless there is exactly one: of two, the SDK would verify one, and we could look at the other. */
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
