import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { dropProrations } from '../billing/pending-items.ts';
import { periodOf } from '../billing/periods.ts';
import { creditUnused } from '../billing/prorations.ts';
import { invoiceLast } from '../billing/subscription-invoices.ts';
import { invalid } from '../http/errors.ts';
import { clearable, flag, type InputOf, integer, text } from '../http/parameters.ts';
import { withoutUndefined } from '../params.ts';
import type { Scope } from '../scope.ts';
import type { Switches } from '../switches.ts';
import { endSubscription } from './subscription-end.ts';

export const cancellationDetails = z.optional(
  z.strictObject({ comment: z.optional(clearable(text())), feedback: z.optional(clearable(text())) }),
);

export const cancellationParameters = {
  cancel_at: z.optional(
    z.union([
      clearable(integer),
      z.enum(
        ['min_period_end', 'max_period_end', 'max_billed_until'],
        'parameter_invalid: must be a valid time',
      ),
    ]),
  ),
  cancel_at_period_end: z.optional(flag),
};

export const cancelParameters = {
  cancellation_details: cancellationDetails,
  invoice_now: z.optional(flag),
  prorate: z.optional(flag),
};

/** Ends a subscription now. */
export function cancelSubscription(
  scope: Scope,
  {
    invoice_now: invoiceNow = false,
    prorate = false,
    cancellation_details: details,
  }: InputOf<typeof cancelParameters>,
  subscription: Stripe.Subscription,
): Stripe.Subscription {
  if (prorate) {
    for (const item of subscription.items.data) creditUnused(scope, subscription, item, scope.now);
  }
  if (invoiceNow) invoiceLast(scope, subscription);
  else if (!prorate) dropProrations(scope, subscription);
  return endSubscription(scope, subscription, 'cancellation_requested', withoutUndefined(details));
}

interface Cancellation {
  readonly cancel_at?: number | string | null | undefined;
  readonly cancel_at_period_end?: boolean | undefined;
}

/** The changes for a scheduled or withdrawn end; none if neither was sent. */
export function cancellationChange(
  scope: Scope,
  subscription: Stripe.Subscription,
  { cancel_at: at, cancel_at_period_end: atPeriodEnd }: Cancellation,
): Partial<Stripe.Subscription> {
  if (at === undefined && atPeriodEnd === undefined) return {};
  if (at !== undefined && atPeriodEnd !== undefined) {
    // Even if both would clear the end.
    throw invalid('You can set only one of cancel_at and cancel_at_period_end: send just one of them.');
  }
  const { switches } = scope.state;
  const moment = momentOf(switches, subscription, { cancel_at: at, cancel_at_period_end: atPeriodEnd });
  if (moment !== null && moment <= scope.now) {
    throw invalid('cancel_at must be in the future.', { param: 'cancel_at' });
  }
  return {
    cancel_at: atPeriodEnd && switches.period_end_sets_cancel_at === 'no' ? null : moment,
    cancel_at_period_end: atPeriodEnd ?? false,
    canceled_at: moment === null ? null : scope.now,
    cancellation_details: {
      ...detailsOf(subscription, {}),
      reason: moment === null ? null : 'cancellation_requested',
    },
  };
}

function momentOf(
  switches: Switches,
  subscription: Stripe.Subscription,
  { cancel_at: at, cancel_at_period_end: atPeriodEnd }: Cancellation,
): number | null {
  const ends = subscription.items.data.map((item) => item.current_period_end);
  if (at === 'min_period_end') return Math.min(...ends);
  if (atPeriodEnd || typeof at === 'string') return Math.max(...ends);
  if (at !== undefined) return at;
  const present = subscription.cancel_at;
  if (switches.period_end_false_clears === 'any_cancel_at') return null;
  return present === periodOf(subscription).end ? null : present;
}

export const detailsOf = (
  subscription: Stripe.Subscription,
  changes: Partial<Stripe.Subscription>,
): Stripe.Subscription.CancellationDetails =>
  changes.cancellation_details ??
  subscription.cancellation_details ?? { comment: null, feedback: null, feedback_option: null, reason: null };
