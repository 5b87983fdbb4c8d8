import type { LedgerState } from './ledger.ts';
import type { SubscriptionType } from './pricing.ts';

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

export interface Subscription {
  readonly state: SubscriptionState;
  readonly cancelAtPeriodEnd: boolean;
  /** ISO 8601; null until Stripe has told us. */
  readonly currentPeriodEnd: string | null;
}

/** The ledger head: the one item that holds who a customer is and where their ledger stands. */
export interface CustomerHead extends LedgerState {
  readonly name: string;
  readonly email: string;
  readonly subscriptionType: SubscriptionType;
  readonly subscription: Subscription | null;
  /** A usable payment method; having billing means having one, not being known to Stripe. */
  readonly paymentMethodId: string | null;
  /** Credits owed after a clawback that the balance could not cover; netted from the next grant. */
  readonly debt: number;
  readonly activeKeys: number;
  readonly createdAt: string;
}
