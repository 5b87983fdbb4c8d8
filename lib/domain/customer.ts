import type { BalanceWatch } from './balance-watch.ts';
import type { EmailState } from './email-state.ts';
import type { LedgerState } from './ledger.ts';
import type { OptionalNoticeKind } from './notice-kinds.ts';
import type { BilledByDay } from './payments/unbilled-fixes.ts';
import type { SubscriptionType } from './plans.ts';
import type { Subscription } from './subscription.ts';

/** The head's fields besides the balance. They change under their own `revision`. */
export interface CustomerProfile {
  readonly name: string;
  readonly email: string;
  readonly emailState: EmailState;
  /** The address that replaces `email` once its owner confirms it. Null if no change was asked for. */
  readonly newEmail: string | null;
  readonly subscriptionType: SubscriptionType;
  readonly subscription: Subscription | null;
  /** A usable payment method. Having billing means having one; being known to Stripe is not enough. */
  readonly paymentMethodId: string | null;
  /**
   * What the tries of this card are counted by. Null without a card, and in older heads until the next sync.
   */
  readonly cardKey: string | null;
  /** The last month of the card, such as 2027-01; null without a card, and until the next sync. */
  readonly cardExpires: string | null;
  /** Null until the first payment method, and again after the customer is deleted at Stripe. */
  readonly stripeCustomerId: string | null;
  /** The previous Stripe customer, if it was deleted. A new one must not be mistaken for it. */
  readonly formerStripeCustomerId: string | null;
  /** Open disputes. While there is one, no card is charged off-session. */
  readonly openDisputes: readonly string[];
  /** The end of the newest period that cost $0 and granted no credits. Null if there was none. */
  readonly freeUntil: string | null;
  /** Credits owed after a clawback that the balance could not cover; netted from the next grant. */
  readonly debt: number;
  /** Most US cents of fix charges in a month; 0 for none at all, null for no limit. */
  readonly spendingLimitCents: number | null;
  /** The kinds of notices that the customer turned off. */
  readonly mutedNotices: readonly OptionalNoticeKind[];
  /** When the customer asked to close the account; null if they did not. */
  readonly closingAskedAt: string | null;
  /** When the account was closed. No personal data is kept afterwards. */
  readonly closedAt: string | null;
}

/** The ledger head: the one item with a customer's profile and the state of their ledger. */
export interface CustomerHead extends LedgerState, BalanceWatch, CustomerProfile {
  /** Optimistic lock of the profile: counts its changes, so that a stale profile is never written. */
  readonly revision: number;
  readonly activeKeys: number;
  /** Billed fixes by the day of their recording. */
  readonly billedByDay: BilledByDay;
  /** How many of the active keys have the scope `account`. The last one is never revoked. */
  readonly accountKeys: number;
  readonly createdAt: string;
}

/** The spending limit of a new customer. Customers of earlier releases have none until they choose one. */
export const NEW_LIMIT_CENTS = 290_000;

/** A new customer: no card, no debt, not known to Stripe. */
export const NEW_PROFILE: Omit<CustomerProfile, 'name' | 'email'> = {
  emailState: 'unconfirmed',
  newEmail: null,
  subscriptionType: 'trial',
  subscription: null,
  paymentMethodId: null,
  cardKey: null,
  cardExpires: null,
  stripeCustomerId: null,
  formerStripeCustomerId: null,
  openDisputes: [],
  freeUntil: null,
  debt: 0,
  spendingLimitCents: NEW_LIMIT_CENTS,
  mutedNotices: [],
  closingAskedAt: null,
  closedAt: null,
};
