/**
 * All problems in one table: the stable `code` that clients may rely on, its HTTP status, its title, and how
 * long to wait before a useful retry. The detail given when it is thrown is public.
 */
export const PROBLEMS = {
  malformed_json: { status: 400, title: 'The body is not JSON' },
  missing_api_key: { status: 401, title: 'An API key is needed' },
  invalid_api_key: { status: 401, title: 'The API key is not valid' },
  invalid_signature: { status: 400, title: 'The signature does not hold' },
  wrong_mode: { status: 400, title: 'Test and live events do not mix' },
  no_billing_info: { status: 402, title: 'No payment method on file' },
  card_declined: { status: 402, title: 'The card was declined' },
  authentication_required: { status: 402, title: 'The cardholder has to confirm the payment' },
  account_disputed: { status: 402, title: 'A payment is disputed' },
  fix_attempt_not_found: { status: 404, title: 'No such fix attempt' },
  subscription_not_found: { status: 404, title: 'No subscription' },
  event_not_found: { status: 404, title: 'No such event' },
  notice_not_found: { status: 404, title: 'No such notice' },
  api_key_not_found: { status: 404, title: 'No such API key' },
  email_taken: { status: 409, title: 'This e-mail address is already a customer' },
  too_many_api_keys: { status: 409, title: 'Too many API keys' },
  account_closed: { status: 409, title: 'The account is closed' },
  key_reused: { status: 409, title: 'The idempotency key was used for something else' },
  insufficient_credits: { status: 409, title: 'Not enough credits' },
  customer_not_found: { status: 404, title: 'No such customer' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be JSON' },
  invalid_request: { status: 422, title: 'The request is not valid' },
  billing_consent_required: { status: 422, title: 'Billing consent is required' },
  payment_method_invalid: { status: 422, title: 'The payment method cannot be used' },
  disposable_email: { status: 422, title: 'Disposable e-mail addresses are not accepted' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Something went wrong on our side' },
  payments_misconfigured: { status: 500, title: 'Payments are not set up correctly' },
  payment_pending: { status: 503, title: 'The payment is not decided yet', retryAfterSeconds: 5 },
  payments_unavailable: { status: 503, title: 'Stripe cannot be reached', retryAfterSeconds: 5 },
  ledger_busy: { status: 503, title: 'The ledger is busy', retryAfterSeconds: 1 },
  ledger_unavailable: { status: 503, title: 'The ledger cannot be reached', retryAfterSeconds: 2 },
} as const satisfies Record<string, { status: number; title: string; retryAfterSeconds?: number }>;

export type ProblemCode = keyof typeof PROBLEMS;

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** Public facts a problem may carry besides its detail. */
export interface ProblemFacts {
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
  readonly credit_balance?: number;
  /** All obstacles, `code` first. */
  readonly reasons?: readonly ProblemCode[];
  /** Why the bank refused: Stripe's decline code. */
  readonly decline_code?: string;
  /** For the cardholder to confirm the payment in a browser. Returned to the caller, never logged. */
  readonly payment_intent?: { readonly id: string; readonly client_secret: string };
}

/** The one error class, for exceptional cases that may be public. `detail` says what to do next. */
export class BillingError extends Error {
  readonly code: ProblemCode;
  readonly facts: ProblemFacts;

  constructor(code: ProblemCode, detail: string, facts: ProblemFacts = {}, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'BillingError';
    this.code = code;
    this.facts = facts;
  }
}
