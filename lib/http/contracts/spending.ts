import * as z from 'zod/mini';
import { MAX_LIMIT_CENTS } from '../../domain/payments/spending.ts';
import type { ProblemCode } from '../../errors.ts';
import { type Contract, described, nothing } from '../contract.ts';

export const SpendingLimitView = z.object({
  monthly_cents: described(
    z.nullable(z.int()),
    'Most US cents of fix charges in a month (UTC). 0 for none at all, null for no limit.',
    290_000,
  ),
  room_cents: described(
    z.nullable(z.int()),
    'What the limit leaves for new charges; null without a limit.',
    287_100,
  ),
  reserved_cents: described(z.int(), 'Charges of this month that are announced and have no outcome.', 0),
  awaiting_approval_cents: described(
    z.int(),
    'The part of `reserved_cents` that waits for the cardholder to confirm.',
    0,
  ),
  spent_cents: described(
    z.int(),
    'Paid charges of this month. Refunds do not lower it; a returned second payment does.',
    2_900,
  ),
  month: described(z.string(), 'The month (UTC) of these amounts.', '2026-03'),
  renews_at: described(z.iso.datetime(), 'When the next month begins.'),
  note: described(z.string(), 'For people: what the limit counts.'),
});
export type SpendingLimitView = z.output<typeof SpendingLimitView>;

const answer = { 200: { description: 'The limit and this month.', schema: SpendingLimitView } };

export const getSpendingLimitContract = {
  operationId: 'getSpendingLimit',
  method: 'GET',
  path: '/api/v1/spending-limit',
  tag: 'Account',
  summary: 'The spending limit',
  description:
    'The monthly limit of fix charges, and what is left of it. A charge counts in the month in which it ' +
    'was announced. Subscriptions and renewals are not counted; credits are never limited.',
  access: 'api_key',
  scope: 'account',
  params: nothing,
  query: nothing,
  body: undefined,
  responses: answer,
  problems: ['customer_not_found'],
} as const satisfies Contract;

export const changeSpendingLimitContract = {
  operationId: 'changeSpendingLimit',
  method: 'PUT',
  path: '/api/v1/spending-limit',
  tag: 'Account',
  summary: 'Change the spending limit',
  description:
    'Applies to the next charge. Charges that are announced already are completed. A letter reports every ' +
    'change.',
  access: 'api_key',
  scope: 'account',
  params: nothing,
  query: nothing,
  body: z.strictObject({
    monthly_cents: described(
      z.nullable(z.int().check(z.minimum(0), z.maximum(MAX_LIMIT_CENTS))),
      'US cents a month; 0 to never charge a fix, null for no limit.',
      290_000,
    ),
  }),
  responses: answer,
  problems: ['customer_not_found', 'account_closed', 'ledger_busy'],
} as const satisfies Contract;

/** Obstacles to a charge, `code` of a problem first. */
const obstacles = z.array(
  z.enum([
    'no_billing_info',
    'account_disputed',
    'spending_limit_reached',
    'card_declined',
  ] satisfies ProblemCode[]),
);

const ExposureView = z.object({
  unbilled_fixes: described(
    z.int(),
    'Fixes that were recorded in the last 30 days (UTC) and are not billed, at most 100.',
    7,
  ),
  or_more: described(z.boolean(), 'There are more than 100.', false),
  covered_by_credits: described(z.int(), 'How many of them the credits pay for.', 4),
  fix_price_cents: described(z.int(), 'US cents for each fix without a credit.', 2_900),
  cost_cents: described(z.int(), 'US cents for merging all of them.', 8_700),
  room_cents: described(
    z.nullable(z.int()),
    'What the spending limit leaves; null without a limit.',
    290_000,
  ),
  beyond_limit: described(z.int(), 'How many of them the limit leaves no room for.', 0),
  reasons: described(obstacles, 'Why no charge would be made now; empty if it would be.', []),
});
export type ExposureView = z.output<typeof ExposureView>;

export const getExposureContract = {
  operationId: 'getExposure',
  method: 'GET',
  path: '/api/v1/exposure',
  tag: 'Account',
  summary: 'What merging all open fixes would cost',
  description:
    'Counts the fixes that were recorded in the last 30 days and are not billed, and says what merging all ' +
    'of them would cost now.',
  access: 'api_key',
  scope: 'account',
  params: nothing,
  query: nothing,
  body: undefined,
  responses: { 200: { description: 'What merging would cost.', schema: ExposureView } },
  problems: ['customer_not_found'],
} as const satisfies Contract;
