import { isSold, type SoldPlan, type SubscriptionType } from './plans.ts';

/** Stripe's subscription statuses, as the head remembers the newest one fetched. */
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

/** A subscription to one of our plans as the head remembers it. */
export interface Subscription {
  readonly id: string;
  readonly plan: SoldPlan;
  readonly state: SubscriptionState;
  /** The subscription ends with its current period, however that was asked for. */
  readonly cancelAtPeriodEnd: boolean;
  /** ISO 8601; for a subscription that is over, not later than its end. Null until Stripe has told us. */
  readonly currentPeriodEnd: string | null;
  /** ISO 8601: the end of the newest period whose invoice is paid. Null while no period is paid. */
  readonly coveredUntil: string | null;
  /** Stripe charges the card for each period: collection is not paused, and the customer gets no invoice to pay by hand. */
  readonly collects: boolean;
}

/** One of a customer's Pro subscriptions as Stripe has it now. */
export interface ProSubscription extends Subscription {
  /** Unix seconds. */
  readonly created: number;
  /** Unix seconds. The end that is set, by a date or by the flag; null for a subscription that goes on. */
  readonly endsAt: number | null;
  /** The card of this subscription alone, which Stripe charges instead of the customer's default. Null without one. */
  readonly ownCard: string | null;
  /** We ended it because the customer subscribed again. */
  readonly isReplaced: boolean;
}

/**
 * Which subscription counts when there are several: one that gives the Pro rate, of those the one that gives it longest,
 * then the state that is worth most to the customer, then the newest. A total order over Stripe's current state, so the
 * order of events does not matter.
 */
const STANDING: Readonly<Record<SubscriptionState, number>> = {
  active: 7,
  trialing: 6,
  past_due: 5,
  unpaid: 4,
  paused: 3,
  incomplete: 2,
  canceled: 1,
  incomplete_expired: 0,
};

/** Null without any. */
export function currentSubscription(all: readonly ProSubscription[]): Subscription | null {
  const [best] = all.toSorted(
    (a, b) =>
      Number(givesPro(b.state)) - Number(givesPro(a.state)) ||
      endOfPro(b) - endOfPro(a) ||
      STANDING[b.state] - STANDING[a.state] ||
      b.created - a.created ||
      (a.id < b.id ? 1 : -1),
  );
  if (best === undefined) return null;
  const { created: _, endsAt: __, ownCard: ___, isReplaced: ____, ...subscription } = best;
  return subscription;
}

/** Subscriptions that Stripe will renew. More than one means that the customer pays twice: a finding for support. */
export const goingOn = (all: readonly ProSubscription[]): readonly ProSubscription[] =>
  all.filter(({ state, endsAt }) => givesPro(state) && endsAt === null);

/** The Pro rate outlasts the paid period by this long while Stripe collects the next one. */
export const PAST_DUE_GRACE_DAYS = 21;
const GRACE_MS = PAST_DUE_GRACE_DAYS * 24 * 60 * 60 * 1000;

/**
 * The moment at which a subscription stops giving the Pro rate, in milliseconds; 0 if it gives none. Only the clock moves
 * past it: the rate ends without an event. A subscription that is set to end has no grace after its last period, because
 * Stripe collects for no further one.
 */
export function endOfPro(subscription: Subscription): number {
  const { state, coveredUntil, collects, cancelAtPeriodEnd, currentPeriodEnd } = subscription;
  if (!givesPro(state) || coveredUntil === null) return 0;
  const end = Date.parse(coveredUntil) + (collects ? GRACE_MS : 0);
  return cancelAtPeriodEnd && currentPeriodEnd !== null ? Math.min(end, Date.parse(currentPeriodEnd)) : end;
}

/**
 * The plan at a moment: fix charges, usage, letters and checks all ask this function. The stored plan says that there is a
 * Pro subscription; the clock decides whether it is still paid for.
 */
export function planAt(
  head: { readonly subscriptionType: SubscriptionType; readonly subscription: Subscription | null },
  at: Date,
): SubscriptionType {
  const { subscriptionType: stored, subscription } = head;
  if (!isSold(stored)) return stored;
  return subscription !== null && at.getTime() < endOfPro(subscription) ? stored : 'pay_as_you_go';
}

/**
 * Whether a subscription in this state can give the Pro rate. `past_due` can, for the period that is paid and the grace;
 * `unpaid`, `canceled` and `incomplete_expired` ended it, `paused` suspends it, and `incomplete` was never paid for.
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

/** Whether Stripe could still collect for it. */
export function isOver(state: SubscriptionState): boolean {
  return state === 'canceled' || state === 'incomplete_expired';
}

/** States that only a subscription reaches that was paid for once. */
const ONCE_PAID: ReadonlySet<SubscriptionState> = new Set(['canceled', 'paused', 'unpaid']);

/**
 * The plan that the head stores for a subscription, whatever the time; `planAt` applies the clock. A customer who was on Pro,
 * or had a card, does not go back to the trial.
 */
export function planWith(subscription: Subscription | null, before: SubscriptionType): SubscriptionType {
  if (subscription !== null && endOfPro(subscription) > 0) return subscription.plan;
  if (before !== 'trial') return 'pay_as_you_go';
  return subscription !== null && ONCE_PAID.has(subscription.state) ? 'pay_as_you_go' : 'trial';
}
