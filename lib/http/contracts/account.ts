import * as z from 'zod/mini';
import { ENTRY_SOURCES } from '../../domain/ledger.ts';
import { byRate, PLAN_NAMES, SOLD_PLANS } from '../../domain/plans.ts';
import { SUBSCRIPTION_STATES } from '../../domain/subscription.ts';
import { WARNING_CODES } from '../../domain/warnings.ts';
import { type Contract, described, nothing } from '../contract.ts';

const TransactionView = z.object({
  id: described(z.string(), 'Unique and permanent; ends in the number of the entry.', 'txn_0f1e2d3c_12'),
  amount: described(z.int(), 'Credits; negative when they were spent.', -1),
  balance_after: described(z.int(), 'Credits after this entry.', 4),
  source: z.enum(ENTRY_SOURCES),
  metadata: described(z.record(z.string(), z.union([z.string(), z.number()])), 'The reason for the entry.'),
  created_at: z.iso.datetime(),
});
export type TransactionView = z.output<typeof TransactionView>;

export const PricingView = z.object({
  currency: z.literal('usd'),
  credits: z.object({
    trial_signup: described(z.int(), 'Granted at sign-up.'),
    first_payment_method: described(z.int(), 'Granted once, with the first payment method.'),
    pro_invoice: described(z.int(), 'Granted with each paid Pro invoice.'),
    fix: described(z.int(), 'What a merged fix costs.'),
  }),
  fix_price_cents: described(
    z.object(byRate(() => z.int())),
    'US cents for a fix when no credits are left, by plan.',
  ),
  pro_month_cents: described(z.int(), 'US cents a month.'),
  plans: described(
    z.array(
      z.object({
        plan: z.enum(SOLD_PLANS),
        name: z.string(),
        month_cents: described(z.int(), 'US cents a month for new subscribers.'),
        credits: described(z.int(), 'Granted with each paid month.'),
        fix_price_cents: described(z.int(), 'US cents for a fix when no credits are left.'),
      }),
    ),
    'The plans that are sold.',
  ),
});
export type PricingView = z.output<typeof PricingView>;

/** The same in every answer about a subscription. */
export const coveredUntil = described(
  z.nullable(z.iso.datetime()),
  'The end of the newest paid period. The Pro rate lasts until then, and 21 days longer while Stripe ' +
    'tries to collect the next payment. Null while no period is paid.',
);

/** Above 0 if money was returned after its credits were spent. */
export const creditsOwed = described(
  z.int(),
  'Credits that were spent before their payment was returned. The next credits that are added make up for ' +
    'them first.',
  0,
);

const UsageView = z.object({
  credit_balance: described(z.int(), 'Credits left.', 4),
  credits_owed: creditsOwed,
  subscription_type: described(z.enum(PLAN_NAMES), 'The plan.'),
  subscription_state: described(
    z.nullable(z.enum(SUBSCRIPTION_STATES)),
    "Stripe's name for it; null without a subscription.",
  ),
  cancel_at_period_end: described(z.boolean(), 'The subscription ends with the paid period.'),
  current_period_end: described(
    z.nullable(z.iso.datetime()),
    'When the current period ends, paid or not; null without a subscription.',
  ),
  covered_until: coveredUntil,
  has_payment_method: described(z.boolean(), 'Whether a fix can be charged when no credits are left.'),
  recent_transactions: described(z.array(TransactionView), 'The 10 newest, newest first.'),
  warnings: z.array(
    z.object({
      code: z.enum(WARNING_CODES),
      message: described(z.string(), 'For people. Says what to do.'),
    }),
  ),
  pricing: PricingView,
});
export type UsageView = z.output<typeof UsageView>;

export const getUsageContract = {
  operationId: 'getUsage',
  method: 'GET',
  path: '/api/v1/usage',
  tag: 'Account',
  summary: 'Balance, plan and warnings',
  description: 'The balance, the plan, the newest transactions and everything that needs attention.',
  access: 'api_key',
  scope: 'fixes',
  params: nothing,
  query: nothing,
  body: undefined,
  responses: { 200: { description: 'The account.', schema: UsageView } },
  problems: ['customer_not_found'],
} as const satisfies Contract;

/** The encoded number of the last entry shown. Encoded, so that clients do not build cursors of their own. */
const cursorText = z.string().check(z.regex(/^[A-Za-z0-9_-]{1,24}$/, 'is not a cursor of this API'));

export const listTransactionsContract = {
  operationId: 'listTransactions',
  method: 'GET',
  path: '/api/v1/transactions',
  tag: 'Account',
  summary: 'The statement',
  description:
    'Every change of the balance, newest first. Follow `next_cursor` until it is absent. Entries that are ' +
    'added meanwhile do not shift the pages.',
  access: 'api_key',
  scope: 'account',
  params: nothing,
  query: z.strictObject({
    limit: z._default(
      described(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(100)), 'Entries on a page.', 50),
      50,
    ),
    cursor: z.optional(described(cursorText, '`next_cursor` of the previous page.')),
  }),
  body: undefined,
  responses: {
    200: {
      description: 'A page of the statement.',
      schema: z.object({
        transactions: z.array(TransactionView),
        next_cursor: z.optional(described(z.string(), 'Absent on the last page.')),
      }),
    },
  },
  problems: [],
} as const satisfies Contract;

export const getPricingContract = {
  operationId: 'getPricing',
  method: 'GET',
  path: '/api/v1/pricing',
  tag: 'Service',
  summary: 'The price list',
  description: 'Credits granted and prices in US cents.',
  access: 'public',
  params: nothing,
  query: nothing,
  body: undefined,
  responses: { 200: { description: 'The price list.', schema: PricingView } },
  problems: [],
} as const satisfies Contract;
