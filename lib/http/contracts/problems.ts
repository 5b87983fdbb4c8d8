import * as z from 'zod/mini';
import { PROBLEMS, type ProblemCode, type ProblemFacts } from '../../errors.ts';
import { type Contract, described } from '../contract.ts';

/** What to do about each problem, for the documentation. Markdown's `code` is allowed. */
export const PROBLEM_ADVICE: Readonly<Record<ProblemCode, string>> = {
  malformed_json: 'Send a JSON object as the body. An empty body is not a JSON object.',
  missing_api_key: 'Send your API key in the header `x-api-key`.',
  invalid_api_key: 'The key is misspelt, unknown or revoked. Check it, or use another key.',
  no_billing_info: 'Nothing was billed. Add a payment method, then bill the fix again.',
  card_declined:
    'Nothing was charged; `decline_code` says why. Add another payment method, then send the request ' +
    'again: it is a new attempt. With `retry-after`, the card was declined earlier and is not tried again ' +
    'before that time.',
  authentication_required:
    'The bank requires the cardholder to confirm. For a fix, confirm `payment_intent` in a browser with ' +
    'Stripe.js and its `client_secret`; the fix is then billed. Or add another payment method and bill ' +
    'again. For a subscription, add the card again with its confirmation, or another card.',
  account_disputed: 'No card is charged while a payment is disputed. Credits can be spent. Ask support.',
  spending_limit_reached:
    'Nothing was billed. `spending_limit` says what is left and when it renews. Raise the limit with ' +
    '`PUT /api/v1/spending-limit`, or bill the fix again next month. Credits are never limited.',
  invalid_signature:
    'For Stripe only. The header `stripe-signature` must sign the exact bytes of the body, and be recent.',
  wrong_mode:
    'A test event was sent to production, or a live event to another stage. Correct the webhook endpoint.',
  subscription_not_found: 'There is nothing to cancel. `GET /api/v1/usage` shows the subscription.',
  event_not_found: 'Check the id; Stripe keeps events for 30 days.',
  notice_not_found: 'Check the customer and the name of the notice; the list of unsent notices shows both.',
  billing_consent_required:
    'Nothing was stored. Show the cardholder what they agree to, then send the request with ' +
    '`billing_consent: true`.',
  payment_method_invalid:
    'Collect the card again with Stripe.js and send the new `pm_…` id. Card numbers are never sent to ' +
    'this API.',
  payments_misconfigured: 'Nothing was charged. The fault is on our side: tell support the `request_id`.',
  payment_pending:
    'The outcome of the payment is not known yet. Send the same request again after `retry-after` ' +
    'seconds; it is never paid twice. Without a retry, the payment is settled within minutes.',
  payments_unavailable:
    'Send the same request again after `retry-after` seconds. It continues where it stopped; nothing is ' +
    'lost or done twice. For Pro that is past due, `detail` says what else helps.',
  fix_attempt_not_found:
    'Record the fix attempt first, then use its `id`. Attempts of other customers are not found.',
  api_key_not_found:
    'Use the `api_key_id` that was returned with the key, or at least its first 8 characters, not the key ' +
    'itself. Keys of other customers are not found.',
  api_key_ambiguous: 'Several keys begin like this. Send more characters of the id, or all of it.',
  last_key:
    'Nothing was changed: a customer keeps one key with the scope `account`. Issue another one first, or ' +
    'replace this one with `POST /api/v1/api-keys` and `replaces`.',
  scope_missing:
    'The key is valid, but has the scope `fixes`: it can record, look up and bill fixes, and read usage. ' +
    'Use a key with the scope `account`.',
  email_taken: 'Use the existing account of this address, or ask support for access to it.',
  too_many_api_keys:
    'Replace a key with `replaces`, or revoke a key that is no longer in use, then issue the new one.',
  account_closed: 'The account is closed, and nothing was done. Sign up again, or ask support.',
  key_reused: 'An idempotency key belongs to one adjustment. Use a new key for another adjustment.',
  insufficient_credits: 'A balance never goes below zero. Remove at most `credit_balance` credits.',
  customer_not_found: 'The API key is valid, but its customer does not exist. Tell support the `request_id`.',
  link_not_valid: 'Each sign-in link works once, for 15 minutes. Ask for another one.',
  form_outdated: 'Open the page again and send its form. Nothing was changed.',
  body_too_large: 'Send a smaller body: `detail` has the limit.',
  unsupported_media_type: 'Send the body as JSON with the header `content-type: application/json`.',
  invalid_request:
    '`errors` lists every invalid field and its fault. Correct the request; a repeat would be rejected ' +
    'again.',
  disposable_email: 'Sign up with a permanent address.',
  rate_limited:
    'Wait for `retry-after` seconds, then send the request again. The header `ratelimit` names the limit ' +
    'that has no calls left.',
  internal_error: 'Send the same request again. If it fails again, tell support the `request_id`.',
  ledger_busy:
    'Too many concurrent changes of one account; this one was not made. Send it again after `retry-after` ' +
    'seconds.',
  ledger_unavailable:
    'Send the same request again after `retry-after` seconds. That is safe: a fix is never billed twice.',
};

const isProblemCode = (name: string): name is ProblemCode => Object.hasOwn(PROBLEMS, name);

/** By status, so that the documentation is a list of status codes. */
export const PROBLEM_CODES: readonly ProblemCode[] = Object.keys(PROBLEMS)
  .filter(isProblemCode)
  .sort((a, b) => PROBLEMS[a].status - PROBLEMS[b].status);

/** A new fact of a problem needs a description here too. */
const facts = {
  errors: z.optional(
    described(
      z.array(
        z.object({
          field: described(z.string(), 'Path of the field, with dots.'),
          message: described(z.string(), 'The fault of the field.'),
        }),
      ),
      'The invalid fields, at most 20; with `invalid_request`, `billing_consent_required` and ' +
        '`disposable_email`.',
    ),
  ),
  reasons: z.optional(
    described(
      z.array(z.enum(PROBLEM_CODES)),
      'All obstacles to billing a fix or subscribing, with each 402; `code` is the first.',
    ),
  ),
  spending_limit: z.optional(
    described(
      z.object({
        monthly_cents: z.int(),
        room_cents: described(z.int(), 'What the limit leaves for new charges.'),
        reserved_cents: described(z.int(), 'Announced charges without an outcome.'),
        spent_cents: described(z.int(), 'Paid charges of this month.'),
        renews_at: described(z.iso.datetime(), 'When the next month begins.'),
      }),
      'The month of the limit, in US cents; with `spending_limit_reached`.',
    ),
  ),
  decline_code: z.optional(
    described(z.string(), "Why the bank declined, as Stripe's code; with `card_declined`."),
  ),
  payment_intent: z.optional(
    described(
      z.object({ id: z.string(), client_secret: z.string() }),
      'The payment that the cardholder confirms with Stripe.js; with `authentication_required` for a fix.',
    ),
  ),
  credit_balance: z.optional(described(z.int(), 'Credits left, if they matter to the problem.')),
} satisfies Record<Exclude<keyof ProblemFacts, 'retryAfterSeconds' | 'limit' | 'action'>, z.ZodMiniType>;

export const Problem = described(
  z.object({
    type: described(z.string(), 'Address of the explanation of the code, relative to the API.'),
    title: described(z.string(), 'The meaning of the code; the same in every response.'),
    status: described(z.int(), 'The HTTP status.'),
    detail: described(z.string(), 'What happened this time, and what to do. For people.'),
    code: described(z.enum(PROBLEM_CODES), 'Stable, for programs.'),
    error: described(z.string(), 'The same text as `detail`, for older clients.'),
    request_id: described(z.string(), 'For support. Also in the header `x-request-id`.'),
    action_url: z.optional(
      described(z.url(), 'The page on which the customer can do something about it; with each 402.'),
    ),
    ...facts,
  }),
  'What went wrong and what to do about it, as an RFC 9457 problem.',
  {
    type: '/docs#invalid_request',
    title: PROBLEMS.invalid_request.title,
    status: PROBLEMS.invalid_request.status,
    detail: 'Pull request number is required.',
    code: 'invalid_request',
    error: 'Pull request number is required.',
    request_id: '6f1f3c5e-8a0b-4d7e-9c35-2b7a4e8d1f60',
    errors: [{ field: 'pr_number', message: 'is required' }],
  },
);

/** Every problem that a call can return: its own, and those of a key, a body and the table. */
export function problemsOf({ access, scope, body, method, problems }: Contract): ProblemCode[] {
  const codes = new Set<ProblemCode>(['invalid_request', 'body_too_large', 'internal_error', ...problems]);
  const add = (...more: readonly ProblemCode[]) => {
    for (const code of more) codes.add(code);
  };
  if (access === 'api_key') add('missing_api_key', 'invalid_api_key', 'rate_limited');
  if (scope === 'account') add('scope_missing');
  if (access === 'signature') add('invalid_signature', 'wrong_mode', 'malformed_json');
  if (body !== undefined) add('malformed_json', 'unsupported_media_type');
  // The table authenticates callers and takes every change. The other calls answer from memory, or list the
  // problem themselves.
  if (access === 'api_key' || method !== 'GET') add('ledger_unavailable');
  return PROBLEM_CODES.filter((code) => codes.has(code));
}
