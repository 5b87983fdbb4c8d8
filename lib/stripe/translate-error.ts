import Stripe from 'stripe';
import { EMAIL_INVALID, StripeFault, type StripeFaultFacts } from './fault.ts';

const { errors } = Stripe;

/** What these name comes from the customer, or has a life of its own at Stripe: no defect of ours. */
const NOT_OUR_FAULT: ReadonlySet<string> = new Set(['payment_method', 'customer']);
/** Of an invoice; in which class of error Stripe sends it is not documented. */
const INVOICE_ASKS = 'invoice_payment_intent_requires_action';
const REFUSED_CODES: ReadonlySet<string> = new Set([
  'payment_intent_unexpected_state',
  'charge_already_refunded',
  EMAIL_INVALID,
  // A dispute has the money, or holds it.
  'charge_disputed',
  'refund_disputed_payment',
]);

/** Where Stripe's error classes, which are many, become the few cases that the service tells apart. */
export function translateError(error: unknown): StripeFault {
  if (error instanceof StripeFault) return error;
  if (!(error instanceof errors.StripeError)) throw error;
  const facts: StripeFaultFacts = {
    code: error.code,
    // The SDK says '' where Stripe said nothing.
    declineCode: error.decline_code || undefined,
    param: error.param,
    requestId: error.requestId,
    answered: !(error instanceof errors.StripeConnectionError),
    replayed: error.headers?.['idempotent-replayed'] === 'true',
  };
  if (error.code === INVOICE_ASKS) return new StripeFault('authentication_required', facts);
  if (error instanceof errors.StripeCardError) {
    const asks = error.code === 'authentication_required' || error.decline_code === 'authentication_required';
    return new StripeFault(asks ? 'authentication_required' : 'declined', facts);
  }
  // Refused before anything was done, and not kept under the key.
  if (error instanceof errors.StripeRateLimitError) return new StripeFault('transient', facts);
  if (error instanceof errors.StripeConnectionError) return new StripeFault('indeterminate', facts);
  // 409 while the same key is under way, 5xx, a key that made another call: what became of ours is not known.
  if (error instanceof errors.StripeAPIError || error instanceof errors.StripeIdempotencyError) {
    return new StripeFault('indeterminate', facts);
  }
  if (error instanceof errors.StripeInvalidRequestError) {
    return new StripeFault(isRefusal(error.code, error.param) ? 'refused' : 'misconfigured', facts);
  }
  return new StripeFault('misconfigured', facts);
}

function isRefusal(code: string | undefined, param = ''): boolean {
  // Of the things that can be missing, the price is the one that we configure.
  if (code === 'resource_missing') return !param.includes('price');
  // A method that was detached, or is somebody else's, is refused without a code.
  return NOT_OUR_FAULT.has(param) || REFUSED_CODES.has(code ?? '');
}
