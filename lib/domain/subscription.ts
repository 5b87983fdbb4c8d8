import type { SoldPlan, SubscriptionType } from './plans.ts';

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
  /** It ends with the period that is paid, however that was asked for. */
  readonly cancelAtPeriodEnd: boolean;
  /** ISO 8601; null until Stripe has told us. */
  readonly currentPeriodEnd: string | null;
}

/** One of a customer's Pro subscriptions as Stripe has it now. */
export interface ProSubscription extends Subscription {
  /** Unix seconds. */
  readonly created: number;
}

/**
 * Which subscription counts when there are several: the one that is worth most to the customer, then the newest. A total
 * order over what Stripe says now, so the order in which we hear of them does not matter.
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
    (a, b) => STANDING[b.state] - STANDING[a.state] || b.created - a.created || (a.id < b.id ? 1 : -1),
  );
  if (best === undefined) return null;
  const { created: _, ...subscription } = best;
  return subscription;
}

/**
 * Whether a subscription gives the Pro rate. `past_due` does, while Stripe goes on trying the card; `unpaid`, `canceled`
 * and `incomplete_expired` ended it, `paused` rests it, and `incomplete` was never paid for.
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

/** The plan that follows from the subscription; who was on Pro, or had a card, does not go back to the trial. */
export function planWith(subscription: Subscription | null, before: SubscriptionType): SubscriptionType {
  if (subscription !== null && givesPro(subscription.state)) return subscription.plan;
  if (before !== 'trial') return 'pay_as_you_go';
  return subscription !== null && ONCE_PAID.has(subscription.state) ? 'pay_as_you_go' : 'trial';
}
