import * as z from 'zod/mini';
import { apiKeyId, formatApiKey } from '../../domain/api-key.ts';
import { fixAttemptId } from '../../domain/fix-attempt.ts';
import { NO_SOLD_PRICES } from '../../domain/plans.ts';
import { encodeCursor } from '../cursor.ts';
import { pricingView } from '../views/account.ts';
import { AFTER_SIGN_UP } from '../views/api-keys.ts';
import { noticeSettingsView } from '../views/notice-settings.ts';
import { getUsageContract, listTransactionsContract, PricingView } from './account.ts';
import {
  createBillingLinkContract,
  issueApiKeyContract,
  listApiKeysContract,
  onboardCustomerContract,
  revokeApiKeyContract,
} from './customers.ts';
import { billFixAttemptContract, recordFixAttemptContract } from './fix-attempts.ts';
import { getNoticeSettingsContract } from './notices.ts';
import {
  addPaymentMethodContract,
  cancelSubscriptionContract,
  stripeWebhookContract,
  subscribeContract,
} from './payments.ts';
import { Problem } from './problems.ts';
import { getOpenapiContract } from './service.ts';
import { getExposureContract, SpendingLimitView } from './spending.ts';

/**
 * The whole answers in the documentation. The examples tell one story: a customer signs up, gets their fix
 * for pull request 42 billed and looks at the account. Importing this file adds them to the generator's
 * registry.
 */

const customerId = '5d8f1c0a9b7e4f3286a1d0c4e7b95312';
// A key of only the letter A does not look like a real one.
const apiKey = formatApiKey(customerId, new Uint8Array(32));
const fixId = fixAttemptId({ githubOrg: 'acme', repoName: 'webshop', prNumber: 42 });
const signedUpAt = '2026-03-02T09:30:00.000Z';
const recordedAt = '2026-03-03T14:05:12.000Z';
const billedAt = '2026-03-04T08:12:40.000Z';

const transaction = {
  id: `txn_${customerId}_2`,
  amount: -1,
  balance_after: 4,
  source: 'fix_deployed',
  metadata: { fix_attempt_id: fixId },
  created_at: billedAt,
} as const;

const FixAttempt = shown(
  recordFixAttemptContract.responses[201].schema,
  {
    id: fixId,
    status: 'pending',
    github_org: 'acme',
    repo_name: 'webshop',
    pr_number: 42,
    pr_title: 'Fix SQL injection in order search',
    pr_url: 'https://github.com/acme/webshop/pull/42',
    issue_number: 17,
    issue_title: 'SQL injection in order search',
    issue_url: 'https://github.com/acme/webshop/issues/17',
    vulnerability_id: 'CWE-89',
    metadata: { scanner: 'semgrep', severity: 'high' },
    billing_status: 'not_billed',
    merge_cost: {
      kind: 'credit',
      amount_cents: 0,
      message: 'Merging this pull request uses 1 of 5 RSOLV credits.',
    },
    created_at: recordedAt,
  },
  'A pull request with a fix, and how it was paid for.',
);

const Customer = shown(
  onboardCustomerContract.responses[201].schema.shape.customer,
  {
    id: customerId,
    name: 'Acme GmbH',
    email: 'billing@acme.example',
    subscription_type: 'trial',
    credit_balance: 5,
    has_payment_method: false,
    created_at: signedUpAt,
  },
  'A customer after sign-up.',
);

const Transaction = shown(
  listTransactionsContract.responses[200].schema.shape.transactions.def.element,
  transaction,
  'One change of the balance. It never changes and is never deleted.',
);

const Pricing = shown(PricingView, pricingView(NO_SOLD_PRICES), 'The price list.');

const Usage = shown(
  getUsageContract.responses[200].schema,
  {
    credit_balance: 4,
    credits_owed: 0,
    subscription_type: 'trial',
    subscription_state: null,
    cancel_at_period_end: false,
    current_period_end: null,
    covered_until: null,
    has_payment_method: false,
    recent_transactions: [transaction],
    warnings: [{ code: 'low_credits', message: '4 credits left.' }],
    pricing: pricingView(NO_SOLD_PRICES),
  },
  'The state of an account.',
);

shown(billFixAttemptContract.params.shape.id, fixId);
shown(billFixAttemptContract.responses[200].schema, {
  id: fixId,
  billing_status: 'billed',
  message: 'Billed',
  outcome: 'credit_consumed',
  amount_cents: 0,
  credit_balance: 4,
});
shown(onboardCustomerContract.responses[201].schema, {
  customer: {
    id: customerId,
    name: 'Acme GmbH',
    email: 'billing@acme.example',
    subscription_type: 'trial',
    credit_balance: 5,
    has_payment_method: false,
    created_at: signedUpAt,
  },
  api_key: apiKey,
  api_key_id: apiKeyId(apiKey),
  api_key_scope: 'account',
  next_step: AFTER_SIGN_UP,
});
shown(issueApiKeyContract.responses[201].schema, {
  id: apiKeyId(apiKey),
  api_key: apiKey,
  name: 'GitHub Actions of webshop',
  scope: 'fixes',
  created_at: recordedAt,
});
shown(issueApiKeyContract.body, { name: 'GitHub Actions of webshop', scope: 'fixes' });
shown(listApiKeysContract.responses[200].schema, {
  api_keys: [
    {
      id: apiKeyId(apiKey),
      name: 'GitHub Actions of webshop',
      scope: 'fixes',
      created_at: signedUpAt,
      last_used_on: recordedAt.slice(0, 10),
    },
  ],
});
shown(createBillingLinkContract.responses[201].schema, {
  url: `https://api.rsolv.dev/billing/enter?link=${customerId}.q2VbX0y6nJkA7cT1mR4sW9zLhUe3dPfGoIx5uKtYwB8`,
  expires_at: billedAt,
});
shown(revokeApiKeyContract.params.shape.id, apiKeyId(apiKey));
shown(revokeApiKeyContract.responses[200].schema, { id: apiKeyId(apiKey), revoked_at: billedAt });
shown(listTransactionsContract.responses[200].schema, {
  transactions: [transaction],
  next_cursor: encodeCursor(2),
});
const SpendingLimit = shown(
  SpendingLimitView,
  {
    monthly_cents: 290_000,
    room_cents: 287_100,
    reserved_cents: 0,
    awaiting_approval_cents: 0,
    spent_cents: 2_900,
    month: '2026-03',
    renews_at: '2026-04-01T00:00:00.000Z',
    note: 'Counts charges for fixes without a credit. Subscriptions, renewals and credits are not limited.',
  },
  'The spending limit and this month.',
);
shown(getExposureContract.responses[200].schema, {
  unbilled_fixes: 7,
  or_more: false,
  covered_by_credits: 4,
  fix_price_cents: 2_900,
  cost_cents: 8_700,
  room_cents: 287_100,
  beyond_limit: 0,
  reasons: [],
});
const NoticeSettings = shown(
  getNoticeSettingsContract.responses[200].schema,
  noticeSettingsView({ mutedNotices: ['low_balance'] }),
  'Which e-mails the customer gets.',
);
const subscription = {
  subscription_type: 'pro',
  subscription_state: 'active',
  cancel_at_period_end: false,
  current_period_end: '2026-04-05T10:00:00.000Z',
  covered_until: '2026-04-05T10:00:00.000Z',
  credit_balance: 69,
  credits_owed: 0,
} as const;
const Subscription = shown(
  cancelSubscriptionContract.responses[200].schema,
  subscription,
  'The state of the subscription.',
);
const Subscribed = shown(
  subscribeContract.responses[201].schema,
  { ...subscription, credits_netted: 0 },
  'The state of the subscription after a call that may have paid for it.',
);
shown(addPaymentMethodContract.responses[200].schema, {
  has_payment_method: true,
  subscription_type: 'pay_as_you_go',
  credit_balance: 10,
  bonus_credits: 5,
  renewal: 'none',
});
shown(stripeWebhookContract.responses[200].schema, { received: true, outcome: 'processed' });
shown(getOpenapiContract.responses[200].schema, { openapi: '3.1.1' });

/** The schemas with their own name in the document. */
export const namedSchemas = {
  FixAttempt,
  Customer,
  Subscription,
  Subscribed,
  NoticeSettings,
  SpendingLimit,
  Usage,
  Transaction,
  Pricing,
  Problem,
};

/** Adds an example to a schema's description; the example must have the schema's type. */
function shown<S extends z.ZodMiniType>(schema: S, example: z.output<S>, description?: string): S {
  const known = z.globalRegistry.get(schema);
  z.globalRegistry.add(schema, {
    ...known,
    ...(description !== undefined && { description }),
    examples: [example],
  });
  return schema;
}
