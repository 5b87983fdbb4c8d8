import Stripe from 'stripe';
import { EMAIL_INVALID, StripeFault, type StripeFaultFacts } from './fault.ts';

const { errors } = Stripe;

/** Parameters that come from the customer, or change at Stripe: an error there is no defect of ours. */
const NOT_OUR_FAULT: ReadonlySet<string> = new Set(['payment_method', 'customer']);
/** For an invoice. Stripe does not document the error class of this code. */
const INVOICE_ASKS = 'invoice_payment_intent_requires_action';
const REFUSED_CODES: ReadonlySet<string> = new Set([
  'payment_intent_unexpected_state',
  'charge_already_refunded',
  EMAIL_INVALID,
  // A dispute has withdrawn or holds the money.
  'charge_disputed',
  'refund_disputed_payment',
]);

/** Maps Stripe's many error classes to the few cases of the service. */
export function translateError(error: unknown): StripeFault {
  if (error instanceof StripeFault) return error;
  if (!(error instanceof errors.StripeError)) throw error;
  const facts: StripeFaultFacts = {
    code: error.code,
    // The SDK sets '' if Stripe sent nothing.
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
  // Rejected before anything happened, and not stored under the key.
  if (error instanceof errors.StripeRateLimitError) return new StripeFault('transient', facts);
  if (error instanceof errors.StripeConnectionError) return new StripeFault('indeterminate', facts);
  // A 409 while the key is in flight, a 5xx, or a key of another call: the outcome is unknown.
  if (error instanceof errors.StripeAPIError || error instanceof errors.StripeIdempotencyError) {
    return new StripeFault('indeterminate', facts);
  }
  if (error instanceof errors.StripeInvalidRequestError) {
    return new StripeFault(isRefusal(error.code, error.param) ? 'refused' : 'misconfigured', facts);
  }
  return new StripeFault('misconfigured', facts);
}

function isRefusal(code: string | undefined, param = ''): boolean {
  // Of the objects that can be missing, only the price is in our settings.
  if (code === 'resource_missing') return !param.includes('price');
  // Stripe refuses a detached method, or another customer's, without a code.
  return NOT_OUR_FAULT.has(param) || REFUSED_CODES.has(code ?? '');
}
