import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { discountsOf, discountsParameter } from '../billing/discounts.ts';
import { periodOf } from '../billing/periods.ts';
import { endTrial, scheduleCancellation } from '../billing/renewals.ts';
import { changeItems, startTrial } from '../billing/subscription-change.ts';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import { clearable, flag, type InputOf, integer, metadata, text } from '../http/parameters.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';
import { addInvoiceItems, invoiceItems } from './add-invoice-items.ts';
import { assertSourceOf } from './source-life.ts';
import {
  cancellationChange,
  cancellationDetails,
  cancellationParameters,
  detailsOf,
} from './subscription-cancel.ts';
import { itemChanges, itemUpdates } from './subscription-item-changes.ts';

export const prorationBehavior = z.optional(
  z.enum(
    ['always_invoice', 'create_prorations', 'none'],
    'parameter_invalid: must be always_invoice, create_prorations or none',
  ),
);

export const collection = {
  collection_method: z.optional(
    z.enum(
      ['charge_automatically', 'send_invoice'],
      'parameter_invalid: must be charge_automatically or send_invoice',
    ),
  ),
  days_until_due: z.optional(integer),
};

export const updateParameters = {
  ...cancellationParameters,
  ...collection,
  add_invoice_items: invoiceItems,
  billing_cycle_anchor: z.optional(
    z.strictObject({ type: z.enum(['now', 'unchanged'], 'parameter_invalid: must be now or unchanged') }),
  ),
  cancellation_details: cancellationDetails,
  default_payment_method: z.optional(clearable(text())),
  default_source: z.optional(clearable(text())),
  description: z.optional(clearable(text(500))),
  discounts: discountsParameter,
  items: itemUpdates,
  metadata,
  off_session: z.optional(flag),
  pause_collection: z.optional(
    clearable(
      z.strictObject({
        behavior: z.enum(
          ['keep_as_draft', 'mark_uncollectible', 'void'],
          'parameter_invalid: must be keep_as_draft, mark_uncollectible or void',
        ),
        resumes_at: z.optional(integer),
      }),
    ),
  ),
  payment_behavior: z.optional(
    z.literal('allow_incomplete', 'parameter_invalid: the double updates only with allow_incomplete'),
  ),
  proration_behavior: prorationBehavior,
  proration_date: z.optional(integer),
  trial_end: z.optional(z.union([z.literal('now'), integer])),
};

type UpdateInput = InputOf<typeof updateParameters>;

/** The fields of an ended subscription that can still change. */
const AFTER_THE_END: readonly string[] = ['cancellation_details', 'metadata', 'description'];

/** Changes a subscription, and bills the cost of the change. */
export function updateSubscription(
  scope: Scope,
  input: UpdateInput,
  subscription: Stripe.Subscription,
): Stripe.Subscription {
  const asked = Object.entries(input).filter(([, value]) => value !== undefined);
  if (subscription.ended_at !== null && asked.some(([name]) => !AFTER_THE_END.includes(name))) {
    throw invalid('A canceled subscription can only update its cancellation_details and metadata.');
  }
  const others = describedChanges(scope, input, subscription);
  const items = input.items === undefined ? null : itemChanges(scope, subscription, input.items);
  const at = prorationDate(scope, subscription, input.proration_date);
  addInvoiceItems(scope, subscription, input.add_invoice_items ?? []);
  const behavior = input.proration_behavior ?? 'create_prorations';
  const resetAnchor = input.billing_cycle_anchor?.type === 'now';
  if (typeof input.trial_end === 'number') {
    if (input.trial_end <= scope.now)
      throw invalid('trial_end must be in the future.', { param: 'trial_end' });
    startTrial(scope, subscription, input.trial_end, behavior, others);
  } else if (items !== null || resetAnchor) {
    const same = subscription.items.data.map((item) => ({ before: item, after: item }));
    changeItems(scope, subscription, { items: items ?? same, behavior, at, resetAnchor, others });
  } else {
    changeAndEmit(scope, 'customer.subscription.updated', subscription, others);
  }
  if (input.trial_end === 'now' && subscription.status === 'trialing') {
    emit(scope, 'customer.subscription.trial_will_end', subscription);
    endTrial(scope, subscription, 'at_once');
  }
  scheduleWhatFollows(scope, input, subscription);
  return subscription;
}

/** Changes without a bill. */
function describedChanges(
  scope: Scope,
  input: UpdateInput,
  subscription: Stripe.Subscription,
): Partial<Stripe.Subscription> {
  const { default_payment_method: methodId, default_source: source, pause_collection: pause } = input;
  assertDefault(scope, subscription, 'default_payment_method', methodId);
  assertDefault(scope, subscription, 'default_source', source);
  const cancellation = cancellationChange(scope, subscription, input);
  const details = input.cancellation_details;
  return {
    ...cancellation,
    ...collectionChange(input, subscription),
    ...(input.discounts !== undefined && {
      discounts: discountsOf(scope, input.discounts ?? [], {
        customer: idOf(subscription.customer) ?? '',
        subscription: subscription.id,
        invoice: null,
      }),
    }),
    ...withoutUndefined({
      description: input.description,
      default_payment_method: methodId,
      default_source: source,
    }),
    ...(pause !== undefined && {
      pause_collection:
        pause === null ? null : { behavior: pause.behavior, resumes_at: pause.resumes_at ?? null },
    }),
    ...(details && {
      cancellation_details: { ...detailsOf(subscription, cancellation), ...withoutUndefined(details) },
    }),
    metadata: mergeMetadata(subscription.metadata, input.metadata),
  };
}

function assertDefault(
  scope: Scope,
  subscription: Stripe.Subscription,
  param: 'default_payment_method' | 'default_source',
  methodId: string | null | undefined,
): void {
  if (methodId === null && scope.state.switches.empty_subscription_default === 'refused') {
    throw invalid(`${param} must not be empty.`, { code: 'parameter_invalid_empty', param });
  }
  if (methodId === undefined || methodId === null) return;
  if (param === 'default_source') {
    assertSourceOf(scope, idOf(subscription.customer), methodId, param);
    return;
  }
  if (scope.state.paymentMethods.get(methodId, { param }).customer === subscription.customer) return;
  throw invalid(`The customer does not have a payment method with the ID ${methodId}.`, {
    code: 'resource_missing',
    param,
  });
}

/** @throws Refusal if a subscription that sends invoices has no `days_until_due`. */
export function collectionChange(
  input: Pick<UpdateInput, 'collection_method' | 'days_until_due'>,
  present?: Stripe.Subscription,
): Pick<Stripe.Subscription, 'collection_method' | 'days_until_due'> {
  const method = input.collection_method ?? present?.collection_method ?? 'charge_automatically';
  const days = input.days_until_due ?? present?.days_until_due ?? null;
  if (method === 'send_invoice' && days === null) {
    throw invalid('days_until_due is required when collection_method is send_invoice.', {
      code: 'parameter_missing',
      param: 'days_until_due',
    });
  }
  if (method === 'charge_automatically' && input.days_until_due !== undefined) {
    throw invalid('days_until_due is only for send_invoice.', { param: 'days_until_due' });
  }
  return { collection_method: method, days_until_due: method === 'send_invoice' ? days : null };
}

function prorationDate(scope: Scope, subscription: Stripe.Subscription, wanted: number | undefined): number {
  if (wanted === undefined) return scope.now;
  const { start, end } = periodOf(subscription);
  if (wanted >= start && wanted < end) return wanted;
  throw invalid('proration_date must be inside the current period.', { param: 'proration_date' });
}

function scheduleWhatFollows(scope: Scope, input: UpdateInput, subscription: Stripe.Subscription): void {
  const at = subscription.cancel_at;
  const sent = input.cancel_at !== undefined || input.cancel_at_period_end !== undefined;
  if (sent && at !== null) scheduleCancellation(scope, subscription, at);
  const pause = subscription.pause_collection;
  if (!input.pause_collection || pause === null || pause.resumes_at === null) return;
  scope.schedule.at(pause.resumes_at, `collection for ${subscription.id} resumes`, (later) => {
    if (subscription.ended_at !== null || subscription.pause_collection !== pause) return;
    changeAndEmit(later, 'customer.subscription.updated', subscription, { pause_collection: null });
  });
}
