import * as z from 'zod/mini';
import { BILLING_CONSENT } from '../../domain/evidence/billing-consent.ts';
import { PLAN_NAMES, SOLD_PLANS } from '../../domain/plans.ts';
import { SUBSCRIPTION_STATES } from '../../domain/subscription.ts';
import { CARD_CALLS, SUBSCRIPTION_CALLS } from '../call-limits.ts';
import { type Contract, described, nothing } from '../contract.ts';
import { coveredUntil, creditsOwed } from './account.ts';

const PAYMENT_PROBLEMS = [
  'rate_limited',
  'customer_not_found',
  'card_declined',
  'payments_unavailable',
  'payments_misconfigured',
  'ledger_busy',
] as const;

const plan = z.enum(PLAN_NAMES);

const AddedCardView = z.object({
  has_payment_method: z.literal(true),
  subscription_type: described(plan, 'The plan.'),
  credit_balance: described(z.int(), 'Credits left.', 10),
  bonus_credits: described(
    z.int(),
    'Credits granted for this card; 0 if this card or this customer already earned them.',
    5,
  ),
  renewal: described(
    z.enum(['paid', 'declined', 'needs_approval', 'none']),
    'The outcome of an open Pro invoice, which a new card pays. `none`: no invoice is open, or its ' +
      'payment is undecided.',
  ),
});
export type AddedCardView = z.output<typeof AddedCardView>;

export const addPaymentMethodContract = {
  operationId: 'addPaymentMethod',
  method: 'POST',
  path: '/api/v1/payment-method',
  tag: 'Payments',
  summary: 'Add a card',
  description:
    'The card pays for Pro, and for fixes when no credits are left. The first card earns credits, once ' +
    'for each customer and for each card. A Pro subscription continues. At most 20 calls an hour. A ' +
    'repeat is safe.',
  access: 'api_key',
  scope: 'account',
  params: nothing,
  query: nothing,
  body: z.strictObject({
    payment_method_id: described(
      z
        .string()
        .check(z.regex(/^pm_[A-Za-z0-9_]{1,250}$/, 'must be the pm_… id from Stripe.js, not a card number')),
      'From Stripe.js. This API never receives the card number.',
      'pm_1QkZ2eLx7cVb9NmA',
    ),
    billing_consent: described(
      z.literal(true, 'must be true: the cardholder agrees to be charged for fixes'),
      `${BILLING_CONSENT.text} Stored with the time, the API key and the IP address of the call.`,
      true,
    ),
  }),
  responses: {
    200: {
      description: 'The card is on file.',
      schema: AddedCardView,
    },
  },
  faultCodes: { billing_consent: 'billing_consent_required' },
  rateLimit: CARD_CALLS,
  problems: ['account_closed', 'billing_consent_required', 'payment_method_invalid', ...PAYMENT_PROBLEMS],
} as const satisfies Contract;

const SubscriptionView = z.object({
  subscription_type: described(plan, 'The plan.'),
  subscription_state: described(
    z.nullable(z.enum(SUBSCRIPTION_STATES)),
    "Stripe's name for it; null without a subscription.",
  ),
  cancel_at_period_end: described(z.boolean(), 'The subscription ends with the paid period.'),
  current_period_end: described(z.nullable(z.iso.datetime()), 'When the current period ends, paid or not.'),
  covered_until: coveredUntil,
  credit_balance: described(z.int(), 'Credits left.', 69),
  credits_owed: creditsOwed,
});
export type SubscriptionView = z.output<typeof SubscriptionView>;

const SubscribedView = z.extend(SubscriptionView, {
  credits_netted: described(
    z.int(),
    'Credits of this payment that settled credits you owed. `credit_balance` grew by the rest.',
    0,
  ),
});
export type SubscribedView = z.output<typeof SubscribedView>;

export const subscribeContract = {
  operationId: 'subscribe',
  method: 'POST',
  path: '/api/v1/subscription',
  tag: 'Payments',
  summary: 'Subscribe to Pro',
  description:
    'Charges the first month to the card on file and grants its credits at once. Returns 200 and the ' +
    'current subscription if there is one, and withdraws a pending cancellation. If it is past due, pays ' +
    'its newest invoice; while it stays past due, the answer is an error. Concurrent calls create one ' +
    'subscription. At most 20 calls an hour.',
  access: 'api_key',
  scope: 'account',
  params: nothing,
  query: nothing,
  body: z.strictObject({ plan: described(z.enum(SOLD_PLANS), 'The plan to subscribe to.', 'pro') }),
  rateLimit: SUBSCRIPTION_CALLS,
  responses: {
    201: { description: 'Subscribed and paid.', schema: SubscribedView },
    200: {
      description: 'The current subscription. If its renewal was unpaid, it is paid now.',
      schema: SubscribedView,
    },
  },
  problems: [
    'account_closed',
    'no_billing_info',
    'authentication_required',
    'account_disputed',
    'payment_pending',
    ...PAYMENT_PROBLEMS,
  ],
} as const satisfies Contract;

export const cancelSubscriptionContract = {
  operationId: 'cancelSubscription',
  method: 'DELETE',
  path: '/api/v1/subscription',
  tag: 'Payments',
  summary: 'Cancel Pro',
  description:
    'Cancels at the end of the paid period, which keeps the Pro rate until then, or now. The credits ' +
    'stay, and nothing is refunded. At most 20 subscription calls an hour. A repeat is safe.',
  access: 'api_key',
  scope: 'account',
  params: nothing,
  query: z.strictObject({
    at_period_end: z._default(
      described(z.enum(['true', 'false']), '`false` ends the subscription now.', 'true'),
      'true',
    ),
  }),
  body: undefined,
  rateLimit: SUBSCRIPTION_CALLS,
  responses: {
    200: {
      description: 'The subscription is cancelled, by this call or an earlier one.',
      schema: SubscriptionView,
    },
  },
  problems: [
    'subscription_not_found',
    'rate_limited',
    'customer_not_found',
    'payment_pending',
    'payments_unavailable',
    'payments_misconfigured',
    'ledger_busy',
  ],
} as const satisfies Contract;

/** Far above an event with a long invoice; anything larger is not from Stripe. */
const MAX_EVENT_BYTES = 1024 * 1024;

export const stripeWebhookContract = {
  operationId: 'stripeWebhook',
  method: 'POST',
  path: '/api/webhooks/stripe',
  tag: 'Service',
  summary: "Stripe's events",
  description:
    'For Stripe only. Receives an event; the header `stripe-signature` signs the raw body. Each event ' +
    'takes effect once, in any order. After a 5xx, Stripe sends the event again.',
  access: 'signature',
  params: nothing,
  query: nothing,
  body: undefined,
  maxBodyBytes: MAX_EVENT_BYTES,
  responses: {
    200: {
      description: 'The event is recorded, by this call or an earlier one.',
      schema: z.object({
        received: z.literal(true),
        outcome: described(
          z.enum(['processed', 'ignored', 'parked', 'duplicate']),
          '`parked`: stored until a person resolves it.',
        ),
      }),
    },
  },
  problems: ['ledger_busy', 'payments_unavailable', 'payments_misconfigured'],
} as const satisfies Contract;
