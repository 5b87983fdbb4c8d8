import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { finalizeInvoice } from '../billing/invoice-life.ts';
import { endTrial, periodOf, renew, scheduleCancellation, tryToCollect } from '../billing/renewals.ts';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { clearable, flag, inRange, integer, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { given } from '../params.ts';
import { change, changeAndEmit, emit, type Scope } from '../scope.ts';
import type { Switches } from '../switches.ts';
import { customerIn } from './customer-lookup.ts';
import { createParameters, createSubscription } from './subscription-create.ts';
import { endSubscription } from './subscription-end.ts';

const ENDED = ['canceled', 'incomplete_expired'];
const statuses = [
  'active',
  'all',
  'canceled',
  'ended',
  'incomplete',
  'incomplete_expired',
  'past_due',
  'paused',
  'trialing',
  'unpaid',
] as const;

const cancellationDetails = z.optional(
  z.strictObject({ comment: z.optional(clearable(text())), feedback: z.optional(clearable(text())) }),
);

export const subscriptionRoutes = [
  route('POST', '/v1/subscriptions', createParameters, createSubscription),
  route(
    'GET',
    '/v1/subscriptions',
    {
      customer: z.optional(text()),
      price: z.optional(text()),
      status: z.optional(z.enum(statuses, 'parameter_invalid: is no status')),
      created: range,
      ...page,
    },
    (scope, { customer, price, status, created, ...window }) => {
      if (customer !== undefined) customerIn(scope, customer, { param: 'customer' });
      const subscriptions = scope.state.subscriptions.newestFirst.filter(
        (subscription) =>
          (customer === undefined || subscription.customer === customer) &&
          (price === undefined || subscription.items.data.some((item) => item.price.id === price)) &&
          hasStatus(subscription, status) &&
          inRange(subscription.created, created),
      );
      return paginate('/v1/subscriptions', subscriptions, window);
    },
  ),
  route('GET', '/v1/subscriptions/:id', {}, (scope, _, { id = '' }) =>
    scope.state.subscriptions.get(id, 'path'),
  ),
  route(
    'POST',
    '/v1/subscriptions/:id',
    {
      cancel_at: z.optional(
        z.union([
          clearable(integer),
          z.enum(['min_period_end', 'max_period_end'], 'parameter_invalid: is no moment'),
        ]),
      ),
      cancel_at_period_end: z.optional(flag),
      cancellation_details: cancellationDetails,
      default_payment_method: z.optional(clearable(text())),
      description: z.optional(clearable(text(500))),
      metadata,
      trial_end: z.optional(z.literal('now', 'parameter_invalid: the double knows only now')),
    },
    (scope, input, { id = '' }) => {
      const subscription = scope.state.subscriptions.get(id, 'path');
      const {
        metadata,
        cancellation_details: details,
        default_payment_method: methodId,
        description,
      } = input;
      const changesLife = input.cancel_at !== undefined || input.cancel_at_period_end !== undefined;
      if (
        subscription.ended_at !== null &&
        (changesLife || methodId !== undefined || input.trial_end !== undefined)
      ) {
        throw invalid('A canceled subscription can only update its cancellation_details and metadata.');
      }
      if (methodId === null && scope.state.switches.empty_subscription_default === 'refused') {
        const param = 'default_payment_method';
        throw invalid(`${param} must not be empty.`, { code: 'parameter_invalid_empty', param });
      }
      if (methodId !== undefined && methodId !== null) assertMethod(scope, subscription, methodId);
      const cancellation = changesLife ? cancellationChange(scope, subscription, input) : {};
      changeAndEmit(scope, 'customer.subscription.updated', subscription, {
        ...cancellation,
        ...given({ description, default_payment_method: methodId }),
        ...(details && {
          cancellation_details: { ...detailsOf(subscription, cancellation), ...given(details) },
        }),
        metadata: mergeMetadata(subscription.metadata, metadata),
      });
      if (changesLife && subscription.cancel_at !== null) {
        scheduleCancellation(scope, subscription, subscription.cancel_at);
      }
      if (input.trial_end !== undefined && subscription.status === 'trialing') endTrial(scope, subscription);
      return subscription;
    },
  ),
  route(
    'DELETE',
    '/v1/subscriptions/:id',
    { invoice_now: z.optional(flag), prorate: z.optional(flag), cancellation_details: cancellationDetails },
    (scope, { invoice_now: invoiceNow, prorate, cancellation_details: details }, { id = '' }) => {
      const subscription = scope.state.subscriptions.get(id, 'path');
      if (subscription.ended_at !== null) {
        throw invalid(`No such subscription: '${id}'`, { code: 'resource_missing', param: 'id' });
      }
      for (const [param, wanted] of Object.entries({ invoice_now: invoiceNow, prorate })) {
        if (wanted) throw invalid(`The double does not do ${param}.`, { param });
      }
      return endSubscription(scope, subscription, 'cancellation_requested', given(details));
    },
  ),
  route('POST', '/v1/subscriptions/:id/pause', {}, (scope, _, { id = '' }) => {
    const subscription = scope.state.subscriptions.get(id, 'path');
    if (subscription.status !== 'active')
      throw invalid(`A subscription that is ${subscription.status} cannot be paused.`);
    changeAndEmit(scope, 'customer.subscription.updated', subscription, { status: 'paused' });
    emit(scope, 'customer.subscription.paused', subscription);
    return subscription;
  }),
  route(
    'POST',
    '/v1/subscriptions/:id/resume',
    {
      billing_cycle_anchor: z.optional(
        z.strictObject({
          type: z.enum(['now', 'unchanged'], 'parameter_invalid: must be now or unchanged'),
        }),
      ),
    },
    (scope, { billing_cycle_anchor: { type: anchor } = { type: 'now' } }, { id = '' }) => {
      const subscription = scope.state.subscriptions.get(id, 'path');
      if (subscription.status !== 'paused') throw invalid('Only a paused subscription can be resumed.');
      changeAndEmit(scope, 'customer.subscription.updated', subscription, { status: 'active' });
      emit(scope, 'customer.subscription.resumed', subscription);
      if (anchor === 'now' || periodOf(subscription).end <= scope.now) {
        change(subscription, { billing_cycle_anchor: scope.now });
        const invoice = renew(scope, subscription, scope.state.switches.resume_billing_reason);
        finalizeInvoice(scope, invoice);
        tryToCollect(scope, invoice);
      }
      return subscription;
    },
  ),
];

/** Without a status: what is not canceled. `ended` is both ways to have ended. */
function hasStatus(subscription: Stripe.Subscription, status: string | undefined): boolean {
  if (status === 'all') return true;
  if (status === undefined) return subscription.status !== 'canceled';
  if (status === 'ended') return ENDED.includes(subscription.status);
  return subscription.status === status;
}

interface Cancellation {
  readonly cancel_at?: number | string | null | undefined;
  readonly cancel_at_period_end?: boolean | undefined;
}

function cancellationChange(
  scope: Scope,
  subscription: Stripe.Subscription,
  { cancel_at: at, cancel_at_period_end: atPeriodEnd }: Cancellation,
): Partial<Stripe.Subscription> {
  if (at !== undefined && atPeriodEnd) {
    throw invalid('cancel_at and cancel_at_period_end exclude each other.', { param: 'cancel_at' });
  }
  const { end } = periodOf(subscription);
  const { switches } = scope.state;
  const moment = atPeriodEnd || typeof at === 'string' ? end : (at ?? remaining(switches, subscription, at));
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

/** What `cancel_at_period_end=false` leaves of a `cancel_at`; an empty `cancel_at` leaves nothing. */
function remaining(
  switches: Switches,
  subscription: Stripe.Subscription,
  at: null | undefined,
): number | null {
  const present = subscription.cancel_at;
  if (at === null || switches.period_end_false_clears === 'any_cancel_at') return null;
  return present === periodOf(subscription).end ? null : present;
}

const detailsOf = (
  subscription: Stripe.Subscription,
  changes: Partial<Stripe.Subscription>,
): Stripe.Subscription.CancellationDetails =>
  changes.cancellation_details ??
  subscription.cancellation_details ?? { comment: null, feedback: null, feedback_option: null, reason: null };

function assertMethod(scope: Scope, subscription: Stripe.Subscription, methodId: string): void {
  const param = 'default_payment_method';
  if (scope.state.paymentMethods.get(methodId, { param }).customer === subscription.customer) return;
  throw invalid(`The customer does not have a payment method with the ID ${methodId}.`, {
    code: 'resource_missing',
    param,
  });
}
