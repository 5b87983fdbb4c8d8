import * as z from 'zod/mini';
import { KEY_SCOPES } from '../../domain/api-key.ts';
import { emailFault, mailForm } from '../../domain/email.ts';
import { PLAN_NAMES } from '../../domain/plans.ts';
import { BILLING_LINKS, KEYS_ISSUED, SIGN_UPS } from '../call-limits.ts';
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

/** A domain in another script is stored in its ASCII form. */
const emailAddress = z.string().check(
  z.trim(),
  z.overwrite(mailForm),
  z.maxLength(254),
  z.refine((email) => emailFault(email) === null, { error: ({ input }) => emailFault(String(input)) ?? '' }),
);
// JSON Schema has a name for this format, but zod's own check of it refuses valid addresses.
z.globalRegistry.add(emailAddress, {
  format: 'email',
  description:
    'The address for notices. Each address belongs to one customer; upper and lower case are the same.',
  examples: ['billing@acme.example'],
});
export const onboardCustomerContract = {
  operationId: 'onboardCustomer',
  method: 'POST',
  path: '/api/v1/customers/onboard',
  tag: 'Customers',
  summary: 'Sign up a customer',
  description:
    'Grants the trial credits and issues the first API key, which is shown once and can do everything. For ' +
    'RSOLV-action, issue another one with the scope `fixes`. At most 10 sign-ups a minute from one address.',
  access: 'public',
  params: nothing,
  query: nothing,
  body: z.strictObject({
    name: described(text(200), 'Name of the customer.', 'Acme GmbH'),
    email: emailAddress,
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
        api_key_scope: z.literal('account'),
        next_step: described(z.string(), 'What to do with the key. For people.'),
      }),
    },
  },
  rateLimit: SIGN_UPS,
  isSignUp: true,
  problems: ['email_taken', 'disposable_email', 'rate_limited', 'ledger_busy'],
} as const satisfies Contract;

const keyName = described(
  z.nullable(z.string()),
  'For people; null if the key has no name.',
  'GitHub Actions of webshop',
);
const keyScope = described(
  z.enum(KEY_SCOPES),
  '`fixes`: record, look up and bill fixes, and read usage. `account`: everything.',
  'fixes',
);

/** An id, or its beginning. */
const namedKey = z
  .string()
  .check(z.regex(/^[A-Za-z0-9_-]{8,128}$/, 'must be the id of a key, or at least its first 8 characters'));

const KeyView = z.object({
  id: z.string(),
  name: keyName,
  scope: keyScope,
  created_at: z.iso.datetime(),
  last_used_on: described(
    z.nullable(z.iso.date()),
    'The last day (UTC) on which the key recorded or billed a fix, or changed the account. Calls that only ' +
      'read do not count. Null if there was none.',
    '2026-03-03',
  ),
});
export type KeyView = z.output<typeof KeyView>;

export const issueApiKeyContract = {
  operationId: 'issueApiKey',
  method: 'POST',
  path: '/api/v1/api-keys',
  tag: 'Customers',
  summary: 'Issue another API key',
  description:
    'For RSOLV-action, issue a key with the scope `fixes`: a key in a repository should not be able to do ' +
    'more. To rotate a key, issue a new one, start to use it, then revoke the old one: both work in ' +
    'between. Or replace it in one step with `replaces`. Without a body, the key has the scope `account`. ' +
    'At most 10 keys can be active, and at most 20 can be issued in an hour.',
  access: 'api_key',
  scope: 'account',
  params: nothing,
  query: nothing,
  body: z.strictObject({
    name: z.optional(described(text(100), 'For people.', 'GitHub Actions of webshop')),
    scope: z._default(keyScope, 'account'),
    replaces: z.optional(
      described(
        namedKey,
        'The id of a key that stops working in the same step, or at least the first 8 characters of the ' +
          'id. It can be the key of this call.',
      ),
    ),
  }),
  isBodyOptional: true,
  rateLimit: KEYS_ISSUED,
  responses: {
    201: {
      description: 'The new key. Store it now: it cannot be shown again.',
      schema: z.object({
        id: z.string(),
        api_key: z.string(),
        name: keyName,
        scope: keyScope,
        created_at: z.iso.datetime(),
      }),
    },
  },
  problems: [
    'customer_not_found',
    'account_closed',
    'too_many_api_keys',
    'api_key_not_found',
    'api_key_ambiguous',
    'last_key',
    'rate_limited',
    'ledger_busy',
  ],
} as const satisfies Contract;

export const listApiKeysContract = {
  operationId: 'listApiKeys',
  method: 'GET',
  path: '/api/v1/api-keys',
  tag: 'Customers',
  summary: 'List API keys',
  description: 'The active keys, the oldest first. The keys themselves are never shown again.',
  access: 'api_key',
  scope: 'account',
  params: nothing,
  query: nothing,
  body: undefined,
  responses: {
    200: { description: 'The active keys.', schema: z.object({ api_keys: z.array(KeyView) }) },
  },
  problems: [],
} as const satisfies Contract;

export const revokeApiKeyContract = {
  operationId: 'revokeApiKey',
  method: 'DELETE',
  path: '/api/v1/api-keys/{id}',
  tag: 'Customers',
  summary: 'Revoke an API key',
  description:
    'The key stops working at once, even if it is the key of this call. The last key with the scope ' +
    '`account` cannot be revoked, only replaced. A repeat is safe.',
  access: 'api_key',
  scope: 'account',
  params: z.strictObject({
    id: described(
      z.string().check(z.regex(/^[A-Za-z0-9_-]{1,128}$/, 'must be the id of a key')),
      'The id that was returned when the key was issued, or at least its first 8 characters, as letters ' +
        'show them.',
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
  problems: ['api_key_not_found', 'api_key_ambiguous', 'last_key', 'ledger_busy'],
} as const satisfies Contract;

export const createBillingLinkContract = {
  operationId: 'createBillingLink',
  method: 'POST',
  path: '/api/v1/billing-links',
  tag: 'Account',
  summary: 'Make a link to the billing page',
  description:
    'The link signs its holder in once, within 15 minutes, for 30 minutes. Open it in a browser and do not ' +
    'store it. Takes no body. Each call makes another link.',
  access: 'api_key',
  scope: 'account',
  rateLimit: BILLING_LINKS,
  params: nothing,
  query: nothing,
  body: undefined,
  responses: {
    201: {
      description: 'The link. Everyone who has it can sign in.',
      schema: z.object({ url: z.url(), expires_at: z.iso.datetime() }),
    },
  },
  problems: ['account_closed', 'rate_limited', 'ledger_busy'],
} as const satisfies Contract;
