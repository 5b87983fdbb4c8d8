import type { CustomerHead } from './customer.ts';
import type { PullRequest } from './fix-attempt.ts';
import type { AccountNoticeContent } from './notices/address-notices.ts';
import type { DigestContent } from './notices/digest.ts';
import type { KeyNoticeContent } from './notices/key-content.ts';
import type { TriesByCard } from './payments/card-tries.ts';
import { cardRefusal, type FixObstacle, isOverLimit } from './payments/charge-obstacles.ts';
import type { Spending } from './payments/spending.ts';
import { type FixRate, fixRate } from './plans.ts';
import { fixPriceAt, givesPro, planAt, type Subscription } from './subscription.ts';

interface PullRequestName {
  /** `org/name`. */
  readonly repo: string;
  readonly prNumber: number;
}

/**
 * A fix without credits is charged if there is a card that was not declined, no dispute is open, and the
 * limit has room.
 */
export interface WithoutCredits {
  readonly hasCard: boolean;
  readonly isDisputed: boolean;
  /** The card was declined and is not charged for now. */
  readonly isDeclined: boolean;
  /** The spending limit of this month leaves no room for a fix. */
  readonly isOverLimit: boolean;
  readonly rate: FixRate;
}

/** How the money that a customer paid for credits was returned to them. */
export const RETURN_REASONS = ['refund', 'dispute', 'credit_note', 'plan_change'] as const;
export type ReturnReason = (typeof RETURN_REASONS)[number];

/** Credits that were taken back because the money for them was returned. */
export interface CreditsRemoved {
  /** The invoice whose payment granted the credits. */
  readonly invoiceId: string;
  /** Taken from the balance; 0 if none were left. */
  readonly removed: number;
  /** Credits owed afterwards, netted from the next grant; 0 if the balance covered everything. */
  readonly owed: number;
  /** Credits left afterwards. */
  readonly left: number;
  /** US cents of the invoice returned so far, in total. */
  readonly returnedCents: number;
  /** How the cents were returned. Empty if unknown. */
  readonly reasons: readonly ReturnReason[];
}

/** A month's spending limit, what charges for fixes use of it, and when it starts again. */
export interface UsedLimit {
  readonly limitCents: number;
  readonly committedCents: number;
  readonly renewsAt: string;
}

/** The facts of a notice at the time of its cause. Money in US cents, times in ISO 8601. */
export type NoticeContent =
  | ({ readonly kind: 'low_balance'; readonly credits: number } & WithoutCredits)
  | ({ readonly kind: 'exhausted' } & WithoutCredits)
  | ({
      readonly kind: 'fix_blocked';
      readonly reason: FixObstacle;
    } & PullRequestName)
  | ({
      readonly kind: 'card_declined';
      readonly amountCents: number;
      /** Stripe's decline code; null if the card itself could not be used. */
      readonly declineCode: string | null;
    } & PullRequestName)
  | {
      readonly kind: 'payment_failed';
      readonly invoiceId: string;
      readonly amountCents: number;
      readonly attempt: number;
      /** Null if Stripe does not retry automatically. */
      readonly nextAttemptAt: string | null;
      /** When the Pro rate ends if no payment arrives; null if it has ended. */
      readonly rateEndsAt: string | null;
    }
  | {
      readonly kind: 'subscription_ended';
      readonly subscriptionId: string;
      /** Ended for lack of payment, not by cancellation. */
      readonly unpaid: boolean;
      readonly credits: number;
    }
  | { readonly kind: 'dispute'; readonly disputeId: string; readonly amountCents: number }
  | ({ readonly kind: 'credits_removed' } & CreditsRemoved)
  | ({ readonly kind: 'limit_near'; readonly percent: 50 | 80 } & UsedLimit)
  | ({ readonly kind: 'limit_reached' } & UsedLimit)
  /** Null for no limit. */
  | {
      readonly kind: 'limit_changed';
      readonly fromCents: number | null;
      readonly toCents: number | null;
      readonly renewsAt: string;
    }
  | KeyNoticeContent
  | AccountNoticeContent
  /** The link itself is made when the letter is sent, so it is never stored. */
  | { readonly kind: 'sign_in' }
  | DigestContent;

/** A message to one customer, stored in the transaction of its cause. */
export interface Notice {
  readonly customerId: string;
  /** Unique per customer and kind. The same cause yields the same id. */
  readonly id: string;
  readonly createdAt: string;
  readonly content: NoticeContent;
}

/**
 * The warning that is due for a balance; null if the balance is not low.
 * @param cards recent tries of the customer's cards
 * @param spending of this month
 */
export function balanceWarning(
  head: CustomerHead,
  cards: TriesByCard,
  spending: Spending,
  at: Date,
): Notice | null {
  const { customerId, raisedSeq, balance, balanceLevel } = head;
  if (balanceLevel === 'fine') return null;
  const facts = {
    hasCard: head.paymentMethodId !== null,
    isDisputed: head.openDisputes.length > 0,
    isDeclined: cardRefusal(head, { cards, at, byPerson: false }) !== null,
    isOverLimit: isOverLimit(head, { amountCents: fixPriceAt(head, at), spending }),
    rate: fixRate(planAt(head, at)),
  };
  return {
    customerId,
    id: String(raisedSeq),
    createdAt: at.toISOString(),
    content:
      balanceLevel === 'low'
        ? { kind: 'low_balance', credits: balance, ...facts }
        : { kind: 'exhausted', ...facts },
  };
}

const pullRequestOf = ({ githubOrg, repoName, prNumber }: PullRequest): PullRequestName => ({
  repo: `${githubOrg}/${repoName}`,
  prNumber,
});

/** A blocked fix: one notice per fix for each raise of the balance. */
export const fixBlocked = (
  { customerId, raisedSeq }: CustomerHead,
  fix: PullRequest & { readonly id: string },
  reason: FixObstacle,
  at: Date,
): Notice => ({
  customerId,
  id: `${fix.id}-${raisedSeq}`,
  createdAt: at.toISOString(),
  content: { kind: 'fix_blocked', reason, ...pullRequestOf(fix) },
});

/** The card or its bank declined a charge for a fix. */
export const chargeDeclined = (
  customerId: string,
  fix: PullRequest & { readonly id: string },
  charge: { readonly attempt: number; readonly amountCents: number },
  declineCode: string | null,
  at: Date,
): Notice => ({
  customerId,
  id: `${fix.id}-${charge.attempt}`,
  createdAt: at.toISOString(),
  content: { kind: 'card_declined', amountCents: charge.amountCents, declineCode, ...pullRequestOf(fix) },
});

/** The end of a Pro subscription. Null if nothing ended: a paused subscription can resume. */
export function subscriptionEnded(
  before: CustomerHead,
  after: { readonly subscription: Subscription | null },
  at: Date,
): Notice | null {
  const { customerId, subscription, balance } = before;
  if (subscription === null || !canGoOn(subscription) || canGoOn(after.subscription)) return null;
  const unpaid = subscription.state === 'past_due' || after.subscription?.state === 'unpaid';
  return {
    customerId,
    id: subscription.id,
    createdAt: at.toISOString(),
    content: { kind: 'subscription_ended', subscriptionId: subscription.id, unpaid, credits: balance },
  };
}

const canGoOn = (subscription: Subscription | null): boolean =>
  subscription !== null && (givesPro(subscription.state) || subscription.state === 'paused');

/** A failed renewal payment: one letter per card and UTC day, however often the card is tried. */
export const paymentFailed = (
  customerId: string,
  invoice: {
    readonly id: string;
    readonly amountCents: number;
    readonly attempt: number;
    readonly nextAttemptAt: string | null;
    readonly rateEndsAt: string | null;
    /** The card that was tried; null if unknown. */
    readonly cardKey: string | null;
    /** When the card was tried, in ISO 8601. All events that report one try have the same time. */
    readonly failedAt: string;
  },
  at: Date,
): Notice => {
  const { id: invoiceId, cardKey, failedAt, ...facts } = invoice;
  return {
    customerId,
    id: `${invoiceId}-${failedAt.slice(0, 10)}-${cardKey ?? 'unknown'}`,
    createdAt: at.toISOString(),
    content: { kind: 'payment_failed', invoiceId, ...facts },
  };
};

export const disputeOpened = (
  customerId: string,
  dispute: { readonly id: string; readonly amountCents: number },
  at: Date,
): Notice => ({
  customerId,
  id: dispute.id,
  createdAt: at.toISOString(),
  content: { kind: 'dispute', disputeId: dispute.id, amountCents: dispute.amountCents },
});

/**
 * Credits were taken back. Null if no credits were removed and the debt did not grow.
 * @param after the state once the entry is written; its `seq` makes the notice unique
 */
export function creditsRemoved(
  before: Pick<CustomerHead, 'customerId' | 'balance' | 'debt'>,
  after: Pick<CustomerHead, 'seq' | 'balance' | 'debt'>,
  { removed, ...cause }: Pick<CreditsRemoved, 'invoiceId' | 'removed' | 'returnedCents' | 'reasons'>,
  at: Date,
): Notice | null {
  if (removed <= 0 && after.debt <= before.debt) return null;
  return {
    customerId: before.customerId,
    id: `${cause.invoiceId}-${after.seq}`,
    createdAt: at.toISOString(),
    content: { kind: 'credits_removed', ...cause, removed, owed: after.debt, left: after.balance },
  };
}
