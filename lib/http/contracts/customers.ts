import * as z from 'zod/mini';
import { PLAN_NAMES } from '../../domain/plans.ts';
import { SIGN_UPS } from '../call-limits.ts';
import { type Contract, described, nothing, text } from '../contract.ts';

const CustomerView = z.object({
  id: described(z.string(), 'Also the second part of every API key of this customer.'),
  name: z.string(),
  email: z.string(),
  subscription_type: described(z.enum(PLAN_NAMES), 'The plan.'),
  credit_balance: described(z.int(), 'Credits left.', 5),
  has_payment_method: described(z.boolean(), 'Whether a fix can be charged when no credits are left.'),
  created_at: z.iso.datetime(),
});
export type CustomerView = z.output<typeof CustomerView>;

export const onboardCustomerContract = {
  operationId: 'onboardCustomer',
  method: 'POST',
  path: '/api/v1/customers/onboard',
  tag: 'Customers',
  summary: 'Sign up a customer',
  description:
    'Grants the trial credits and issues the first API key, which is shown once. At most 10 sign-ups a ' +
    'minute from one address.',
  access: 'public',
  params: nothing,
  query: nothing,
  body: z.strictObject({
    name: described(text(200), 'Name of the customer.', 'Acme GmbH'),
    email: described(
      z.string().check(z.trim(), z.email(), z.maxLength(254)),
      'The address for notices. Each address belongs to one customer; upper and lower case are the same.',
      'billing@acme.example',
    ),
    source: z._default(
      described(
        z.string().check(z.regex(/^[a-z0-9_]{1,40}$/, 'must be lower-case letters, digits and _')),
        'The channel through which the customer came; stored with the trial grant.',
        'gh_marketplace',
      ),
      'direct',
    ),
  }),
  responses: {
    201: {
      description: 'The customer and the first API key. Store the key now: it cannot be shown again.',
      schema: z.object({
        customer: CustomerView,
        api_key: z.string(),
        api_key_id: described(z.string(), 'Identifies the key when you revoke it. Not a secret.'),
      }),
    },
  },
  rateLimit: SIGN_UPS,
  isSignUp: true,
  problems: ['email_taken', 'disposable_email', 'rate_limited', 'ledger_busy'],
} as const satisfies Contract;

export const issueApiKeyContract = {
  operationId: 'issueApiKey',
  method: 'POST',
  path: '/api/v1/api-keys',
  tag: 'Customers',
  summary: 'Issue another API key',
  description:
    'To rotate a key: issue a new one, start to use it, then revoke the old one. Both work in between. ' +
    'Takes no body. At most 10 keys can be active.',
  access: 'api_key',
  params: nothing,
  query: nothing,
  body: undefined,
  responses: {
    201: {
      description: 'The new key. Store it now: it cannot be shown again.',
      schema: z.object({ id: z.string(), api_key: z.string(), created_at: z.iso.datetime() }),
    },
  },
  problems: ['account_closed', 'too_many_api_keys', 'ledger_busy'],
} as const satisfies Contract;

export const revokeApiKeyContract = {
  operationId: 'revokeApiKey',
  method: 'DELETE',
  path: '/api/v1/api-keys/{id}',
  tag: 'Customers',
  summary: 'Revoke an API key',
  description: 'The key stops working at once, even if it is the key of this call. A repeat is safe.',
  access: 'api_key',
  params: z.strictObject({
    id: described(
      z.string().check(z.regex(/^[A-Za-z0-9_-]{1,128}$/)),
      'The `api_key_id` that was returned when the key was issued.',
    ),
  }),
  query: nothing,
  body: undefined,
  responses: {
    200: {
      description: 'The key is revoked, by this call or an earlier one.',
      schema: z.object({ id: z.string(), revoked_at: z.iso.datetime() }),
    },
  },
  problems: ['api_key_not_found', 'ledger_busy'],
} as const satisfies Contract;
