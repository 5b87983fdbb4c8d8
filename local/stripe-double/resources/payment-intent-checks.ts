import type Stripe from 'stripe';
import { invalid, Refusal } from '../http/errors.ts';
import type { Scope } from '../scope.ts';
import { STRIPE_API_VERSION } from '../version.ts';

const SMALLEST_AMOUNT = 50;
const LARGEST_AMOUNT = 99_999_999;

export function assertAmount(amount: number): void {
  const param = 'amount';
  if (amount < 1) throw invalid('Invalid positive integer', { code: 'parameter_invalid_integer', param });
  if (amount < SMALLEST_AMOUNT) {
    throw invalid(`Amount must be at least ${SMALLEST_AMOUNT}.`, { code: 'amount_too_small', param });
  }
  if (amount > LARGEST_AMOUNT) {
    throw invalid(`Amount must be no more than ${LARGEST_AMOUNT}.`, { code: 'amount_too_large', param });
  }
}

export function assertMethodTypes(
  scope: Scope,
  removed: readonly string[] | undefined,
  allowed: readonly string[] | undefined,
  automatic: object | undefined,
): void {
  // A caller without a version gets the account's older version. Stripe's command line still sends this
  // parameter.
  if (removed !== undefined && scope.version === STRIPE_API_VERSION) {
    throw invalid('payment_method_types is no longer supported: use allowed_payment_method_types.', {
      code: 'payment_method_types_no_longer_supported',
      param: 'payment_method_types',
    });
  }
  if (allowed !== undefined && automatic !== undefined) {
    throw invalid('allowed_payment_method_types and automatic_payment_methods exclude each other.', {
      param: 'allowed_payment_method_types',
    });
  }
  const unknown = [...(allowed ?? []), ...(removed ?? [])].find((type) => type !== 'card');
  if (unknown !== undefined) {
    throw invalid(`The payment method type "${unknown}" is invalid: the double has cards only.`, {
      param: allowed === undefined ? 'payment_method_types' : 'allowed_payment_method_types',
    });
  }
}

export function assertReturnUrl(url: string | undefined): void {
  if (url !== undefined) return;
  throw invalid(
    'This PaymentIntent may use methods that redirect the customer, so to confirm it you must provide a ' +
      '`return_url`.',
    { param: 'return_url' },
  );
}

export const unexpectedState = (intent: Stripe.PaymentIntent, what: string): Refusal =>
  new Refusal(400, {
    type: 'invalid_request_error',
    code: 'payment_intent_unexpected_state',
    message: `This PaymentIntent cannot be ${what} because it has a status of ${intent.status}.`,
    payment_intent: intent,
  });

export const missingMethod = (intent: Stripe.PaymentIntent): Refusal =>
  new Refusal(400, {
    type: 'invalid_request_error',
    code: 'payment_intent_unexpected_state',
    param: 'payment_method',
    message: 'This PaymentIntent cannot be confirmed because it is missing a payment method.',
    payment_intent: intent,
  });
