import type { BalanceWatch } from './balance-watch.ts';
import type { LedgerState } from './ledger.ts';
import type { OptionalNoticeKind } from './notice-kinds.ts';
import type { SubscriptionType } from './plans.ts';
import type { Subscription } from './subscription.ts';

/** What the head says of a customer besides their balance; changed under its own `revision`. */
export interface CustomerProfile {
  readonly name: string;
  readonly email: string;
  readonly subscriptionType: SubscriptionType;
  readonly subscription: Subscription | null;
  /** A usable payment method; having billing means having one, not being known to Stripe. */
  readonly paymentMethodId: string | null;
  /** What the tries of that card are counted by. Null without a card, and until the first sync after a release without it. */
  readonly cardKey: string | null;
  /** Null until the first payment method, and again when the customer was deleted at Stripe. */
  readonly stripeCustomerId: string | null;
  /** The one before, when that was deleted: a new one must not be taken for it. */
  readonly formerStripeCustomerId: string | null;
  /** Disputes that are not closed; while there is one, no card is charged off-session. */
  readonly openDisputes: readonly string[];
  /** The end of the newest period that cost $0, and so brought no credits. Null before there is one. */
  readonly freeUntil: string | null;
  /** Credits owed after a clawback that the balance could not cover; netted from the next grant. */
  readonly debt: number;
  /** What the customer does not want to be told of. */
  readonly mutedNotices: readonly OptionalNoticeKind[];
  /** Since when the account is closed; nothing personal is kept of it. */
  readonly closedAt: string | null;
}

/** The ledger head: the one item that holds who a customer is and where their ledger stands. */
export interface CustomerHead extends LedgerState, BalanceWatch, CustomerProfile {
  /** Counts the changes of the profile, as `seq` counts entries: who read an older one cannot write over a newer. */
  readonly revision: number;
  readonly activeKeys: number;
  readonly createdAt: string;
}

/** A customer who has just signed up: no card, nothing owed, not known to Stripe. */
export const NEW_PROFILE: Omit<CustomerProfile, 'name' | 'email'> = {
  subscriptionType: 'trial',
  subscription: null,
  paymentMethodId: null,
  cardKey: null,
  stripeCustomerId: null,
  formerStripeCustomerId: null,
  openDisputes: [],
  freeUntil: null,
  debt: 0,
  mutedNotices: [],
  closedAt: null,
};
