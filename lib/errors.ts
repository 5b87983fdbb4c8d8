/**
 * All problems in one table: the stable `code` that clients may rely on, its HTTP status, its title, how long
 * to wait before a useful retry, and the page that helps. The detail given when it is thrown is public.
 */
export const PROBLEMS = {
  malformed_json: { status: 400, title: 'Invalid JSON body' },
  missing_api_key: { status: 401, title: 'Missing API key' },
  invalid_api_key: { status: 401, title: 'Invalid API key' },
  invalid_signature: { status: 400, title: 'Invalid signature' },
  wrong_mode: { status: 400, title: 'Event of the wrong mode' },
  no_billing_info: { status: 402, title: 'No payment method on file', action: '/billing/card' },
  spending_limit_reached: { status: 402, title: 'Spending limit reached', action: '/billing/settings#limit' },
  card_declined: { status: 402, title: 'Card declined', action: '/billing/card' },
  authentication_required: { status: 402, title: 'Payment confirmation required', action: '/billing/plan' },
  account_disputed: { status: 402, title: 'Payment disputed', action: '/billing/documents' },
  scope_missing: { status: 403, title: 'API key without this permission' },
  fix_attempt_not_found: { status: 404, title: 'Fix attempt not found' },
  subscription_not_found: { status: 404, title: 'Subscription not found' },
  event_not_found: { status: 404, title: 'Event not found' },
  notice_not_found: { status: 404, title: 'Notice not found' },
  api_key_not_found: { status: 404, title: 'API key not found' },
  email_taken: { status: 409, title: 'E-mail address in use' },
  too_many_api_keys: { status: 409, title: 'Too many API keys' },
  last_key: { status: 409, title: 'Last account key' },
  api_key_ambiguous: { status: 409, title: 'Ambiguous API key' },
  account_closed: { status: 409, title: 'Account closed' },
  key_reused: { status: 409, title: 'Idempotency key reused' },
  insufficient_credits: { status: 409, title: 'Not enough credits' },
  customer_not_found: { status: 404, title: 'Customer not found' },
  link_not_valid: { status: 410, title: 'Link no longer valid' },
  body_too_large: { status: 413, title: 'Body too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  invalid_request: { status: 422, title: 'Invalid request' },
  billing_consent_required: { status: 422, title: 'Billing consent required' },
  payment_method_invalid: { status: 422, title: 'Unusable payment method' },
  form_outdated: { status: 403, title: 'Form out of date' },
  disposable_email: { status: 422, title: 'Disposable e-mail address' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Internal error' },
  payments_misconfigured: { status: 500, title: 'Payments misconfigured' },
  payment_pending: { status: 503, title: 'Payment pending', retryAfterSeconds: 5 },
  payments_unavailable: { status: 503, title: 'Payments unavailable', retryAfterSeconds: 5 },
  ledger_busy: { status: 503, title: 'Ledger busy', retryAfterSeconds: 1 },
  ledger_unavailable: { status: 503, title: 'Ledger unavailable', retryAfterSeconds: 2 },
} as const satisfies Record<string, ProblemKind>;

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly retryAfterSeconds?: number;
  /** The page on which the customer can do something about it; with every 402. */
  readonly action?: string;
}

export type ProblemCode = keyof typeof PROBLEMS;

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** A spending limit and what is left of it. US cents; `renews_at` in ISO 8601. */
export interface SpendingLimitFacts {
  readonly monthly_cents: number;
  readonly room_cents: number;
  readonly reserved_cents: number;
  readonly spent_cents: number;
  readonly renews_at: string;
}

/** Public facts a problem may carry besides its detail. */
export interface ProblemFacts {
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
  /** The page that helps, if it is another one than that of the code. A path on our own pages. */
  readonly action?: string;
  /** With `rate_limited`: the name of the limit, for headers and the log. */
  readonly limit?: string;
  readonly credit_balance?: number;
  /** All obstacles, `code` first. */
  readonly reasons?: readonly ProblemCode[];
  /** The month's limit; with `spending_limit_reached`. */
  readonly spending_limit?: SpendingLimitFacts;
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
