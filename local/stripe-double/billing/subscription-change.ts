import type Stripe from 'stripe';
import { changeAndEmit, type Scope } from '../scope.ts';
import { advance } from './collecting.ts';
import { subscriptionLines } from './invoice-build.ts';
import { periodEnd, periodOf } from './periods.ts';
import { chargeRest, creditUnused } from './prorations.ts';
import { movedTo, schedulePeriodEnd } from './renewals.ts';
import { draftInvoice, invoiceNow } from './subscription-invoices.ts';
import { scheduleTrialNotice } from './trials.ts';

export type ProrationBehavior = 'always_invoice' | 'create_prorations' | 'none';

/** An item before and after: `before` is null for a new item, `after` is null for a removed one. */
export interface ItemChange {
  readonly before: Stripe.SubscriptionItem | null;
  readonly after: Stripe.SubscriptionItem | null;
}

export interface Change {
  readonly items: readonly ItemChange[];
  readonly behavior: ProrationBehavior;
  /** From when the items count as changed. */
  readonly at: number;
  /** Whether the caller asks for a whole new period that starts now. */
  readonly resetAnchor: boolean;
  /** Other changes of the subscription in the same event. */
  readonly others: Partial<Stripe.Subscription>;
}

/** Changes the items of a subscription, and bills the change according to `behavior`. */
export function changeItems(scope: Scope, subscription: Stripe.Subscription, change: Change): void {
  const data = change.items.flatMap(({ after }) => (after === null ? [] : [after]));
  const items = { ...subscription.items, data };
  const switched = intervalOf(subscription.items.data) !== intervalOf(data);
  const startsToCost = isFree(subscription.items.data) && !isFree(data);
  const trialing = subscription.status === 'trialing';
  if (!trialing && (change.resetAnchor || switched || startsToCost)) {
    startPeriod(scope, subscription, items, change);
    return;
  }
  const changed = trialing || change.behavior === 'none' ? [] : change.items.filter(isChanged);
  for (const { before } of changed) {
    if (before !== null) creditUnused(scope, subscription, before, change.at);
  }
  for (const { after } of changed) {
    if (after !== null) chargeRest(scope, subscription, after, change.at);
  }
  const changes = { ...change.others, items };
  if (changed.length > 0 && change.behavior === 'always_invoice') {
    invoiceNow(scope, subscription, 'subscription_update', changes);
  } else {
    changeAndEmit(scope, 'customer.subscription.updated', subscription, changes);
  }
}

const isChanged = ({ before, after }: ItemChange): boolean =>
  before?.price.id !== after?.price.id || before?.quantity !== after?.quantity;

const intervalOf = ([item]: readonly Stripe.SubscriptionItem[]): string =>
  `${item?.price.recurring?.interval} ${item?.price.recurring?.interval_count}`;

const isFree = (items: readonly Stripe.SubscriptionItem[]): boolean =>
  items.every(({ price, quantity = 1 }) => (price.unit_amount ?? 0) * quantity === 0);

/** Starts a whole new period now and bills it at once. Credits the unused rest of the old period. */
function startPeriod(
  scope: Scope,
  subscription: Stripe.Subscription,
  items: Stripe.Subscription['items'],
  { behavior, at, resetAnchor, others }: Change,
): void {
  if (behavior !== 'none') {
    for (const item of subscription.items.data) creditUnused(scope, subscription, item, at);
  }
  const recurring = items.data[0]?.price.recurring;
  if (recurring === undefined || recurring === null) throw new Error(`${subscription.id} has no interval`);
  const past = periodOf(subscription);
  const period = { start: scope.now, end: periodEnd(scope.now, scope.now, recurring) };
  const moved = movedTo(items, period);
  const reason = resetAnchor ? scope.state.switches.anchor_reset_billing_reason : 'subscription_update';
  const invoice = draftInvoice(scope, subscription, {
    reason,
    period: { start: past.start, end: scope.now },
    lines: subscriptionLines({ ...subscription, items: moved }, period, false),
    changes: { ...others, items: moved, billing_cycle_anchor: scope.now },
  });
  schedulePeriodEnd(scope, subscription);
  advance(scope, invoice);
}

/** Starts or extends a trial: free until `end`, which becomes the anchor. */
export function startTrial(
  scope: Scope,
  subscription: Stripe.Subscription,
  end: number,
  behavior: ProrationBehavior,
  others: Partial<Stripe.Subscription>,
): void {
  const trialing = subscription.status === 'trialing';
  const period = { start: trialing ? periodOf(subscription).start : scope.now, end };
  const changes: Partial<Stripe.Subscription> = {
    ...others,
    status: 'trialing',
    trial_end: end,
    trial_start: trialing ? subscription.trial_start : scope.now,
    billing_cycle_anchor: end,
    items: movedTo(subscription.items, period),
  };
  if (trialing) {
    changeAndEmit(scope, 'customer.subscription.updated', subscription, changes);
  } else {
    if (behavior !== 'none') {
      for (const item of subscription.items.data) creditUnused(scope, subscription, item, scope.now);
    }
    const past = periodOf(subscription);
    const invoice = draftInvoice(scope, subscription, {
      reason: 'subscription_update',
      period: { start: past.start, end: scope.now },
      lines: subscriptionLines(subscription, period, true),
      changes,
    });
    advance(scope, invoice);
  }
  schedulePeriodEnd(scope, subscription);
  scheduleTrialNotice(scope, subscription);
}
