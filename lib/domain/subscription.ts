import { FIX_PRICE_CENTS, fixRate, isSold, type SoldPlan, type SubscriptionType } from './plans.ts';

/** Stripe's subscription statuses. The head stores the newest one fetched. */
export const SUBSCRIPTION_STATES = [
  'active',
  'canceled',
  'incomplete',
  'incomplete_expired',
  'past_due',
  'paused',
  'trialing',
  'unpaid',
] as const;
export type SubscriptionState = (typeof SUBSCRIPTION_STATES)[number];

/** A subscription to one of our plans, as stored in the head. */
export interface Subscription {
  readonly id: string;
  readonly plan: SoldPlan;
  readonly state: SubscriptionState;
  /** It ends with its current period: by `cancel_at_period_end`, or by a `cancel_at` within the period. */
  readonly cancelAtPeriodEnd: boolean;
  /** ISO 8601; for an ended subscription, not later than its end. Null until known from Stripe. */
  readonly currentPeriodEnd: string | null;
  /** ISO 8601: the end of the newest period whose invoice is paid. Null while no period is paid. */
  readonly coveredUntil: string | null;
  /**
   * Stripe charges the card for each period: collection is not paused, and no invoice has to be paid by hand.
   */
  readonly collects: boolean;
}

/** The current state of one Pro subscription at Stripe. */
export interface ProSubscription extends Subscription {
  /** Unix seconds. */
  readonly created: number;
  /** Unix seconds. The end that `cancel_at` or `cancel_at_period_end` schedules; null without one. */
  readonly endsAt: number | null;
  /**
   * The subscription's own card, which Stripe charges instead of the customer's default. Null if it has none.
   */
  readonly ownCard: string | null;
  /** We ended it because the customer subscribed again. */
  readonly isReplaced: boolean;
}

/** The state with the highest rank is worth most to the customer. */
const STATE_RANK: Readonly<Record<SubscriptionState, number>> = {
  active: 7,
  trialing: 6,
  past_due: 5,
  unpaid: 4,
  paused: 3,
  incomplete: 2,
  canceled: 1,
  incomplete_expired: 0,
};

/**
 * Which subscription counts if there are several; null if there is none. One that gives the Pro rate, then
 * the one that gives it longest, then the state worth most to the customer, then the newest. A total order
 * over Stripe's current state, so the order of events does not matter.
 */
export function currentSubscription(all: readonly ProSubscription[]): Subscription | null {
  const [best] = all.toSorted(
    (a, b) =>
      Number(givesPro(b.state)) - Number(givesPro(a.state)) ||
      endOfPro(b) - endOfPro(a) ||
      STATE_RANK[b.state] - STATE_RANK[a.state] ||
      b.created - a.created ||
      (a.id < b.id ? 1 : -1),
  );
  if (best === undefined) return null;
  const { created: _, endsAt: __, ownCard: ___, isReplaced: ____, ...subscription } = best;
  return subscription;
}

/**
 * Subscriptions that Stripe will renew. With more than one the customer pays twice: a finding for support.
 */
export const goingOn = (all: readonly ProSubscription[]): readonly ProSubscription[] =>
  all.filter(({ state, endsAt }) => givesPro(state) && endsAt === null);

/** Grace: the Pro rate lasts this long after the paid period, while Stripe collects the next one. */
export const PAST_DUE_GRACE_DAYS = 21;
const GRACE_MS = PAST_DUE_GRACE_DAYS * 24 * 60 * 60 * 1000;

/**
 * When a subscription stops giving the Pro rate, in milliseconds; 0 if it does not give the rate. The rate
 * ends by the clock, without an event. A subscription that is set to end has no grace beyond its period,
 * because Stripe collects no further one.
 */
export function endOfPro(subscription: Subscription): number {
  const { state, coveredUntil, collects, cancelAtPeriodEnd, currentPeriodEnd } = subscription;
  if (!givesPro(state) || coveredUntil === null) return 0;
  const end = Date.parse(coveredUntil) + (collects ? GRACE_MS : 0);
  return cancelAtPeriodEnd && currentPeriodEnd !== null ? Math.min(end, Date.parse(currentPeriodEnd)) : end;
}

/**
 * The plan at a given time. Fix charges, usage, letters and checks all use this function. The stored plan
 * says that there is a Pro subscription; the clock decides whether it is still paid.
 */
export function planAt(
  head: { readonly subscriptionType: SubscriptionType; readonly subscription: Subscription | null },
  at: Date,
): SubscriptionType {
  const { subscriptionType: stored, subscription } = head;
  if (!isSold(stored)) return stored;
  return subscription !== null && at.getTime() < endOfPro(subscription) ? stored : 'pay_as_you_go';
}

/** What a fix without a credit costs now, in US cents. */
export const fixPriceAt = (head: Parameters<typeof planAt>[0], at: Date): number =>
  FIX_PRICE_CENTS[fixRate(planAt(head, at))];

/**
 * Whether a subscription in this state can give the Pro rate. `past_due` can, for the paid period and the
 * grace. `unpaid`, `canceled` and `incomplete_expired` have ended, `paused` is suspended, `incomplete` was
 * never paid.
 */
export function givesPro(state: SubscriptionState): boolean {
  switch (state) {
    case 'active':
    case 'trialing':
    case 'past_due':
      return true;
    case 'canceled':
    case 'incomplete':
    case 'incomplete_expired':
    case 'paused':
    case 'unpaid':
      return false;
    default:
      return state satisfies never;
  }
}

/** Whether the subscription is over: Stripe can no longer collect for it. */
export function isOver(state: SubscriptionState): boolean {
  return state === 'canceled' || state === 'incomplete_expired';
}

/** States that a subscription reaches only after it was paid once. */
const ONCE_PAID: ReadonlySet<SubscriptionState> = new Set(['canceled', 'paused', 'unpaid']);

/**
 * The plan that the head stores for a subscription, independent of the time; `planAt` applies the clock. A
 * customer who was on Pro, or had a card, never returns to the trial.
 */
export function planWith(subscription: Subscription | null, before: SubscriptionType): SubscriptionType {
  if (subscription !== null && endOfPro(subscription) > 0) return subscription.plan;
  if (before !== 'trial') return 'pay_as_you_go';
  return subscription !== null && ONCE_PAID.has(subscription.state) ? 'pay_as_you_go' : 'trial';
}

/**
 * How the stored subscription moves towards its end. `set_to_end`: it ends with its period. The others are
 * over: `as_planned` after that, `now` without it, `unpaid` because no payment arrived.
 */
export type ProEnding = 'set_to_end' | 'as_planned' | 'now' | 'unpaid';

/** What a change of the stored subscription ends; null if it ends nothing. */
export function endingOf(before: Subscription | null, after: Subscription | null): ProEnding | null {
  if (before === null || !givesPro(before.state)) return null;
  if (after !== null && givesPro(after.state)) {
    const isSet = after.cancelAtPeriodEnd && !before.cancelAtPeriodEnd;
    return isSet && after.id === before.id ? 'set_to_end' : null;
  }
  if (before.cancelAtPeriodEnd) return 'as_planned';
  const isCancelled = after === null || isOver(after.state);
  return isCancelled && before.state !== 'past_due' ? 'now' : 'unpaid';
}
