import type { CustomerHead } from './customer.ts';
import type { PullRequest } from './fix-attempt.ts';
import type { AccountNoticeContent } from './notices/account-content.ts';
import type { CardNoticeContent } from './notices/card-content.ts';
import type { DigestContent } from './notices/digest.ts';
import type { KeyNoticeContent } from './notices/key-content.ts';
import { type MoneyNoticeContent, type PullRequestName, pullRequestName } from './notices/money-content.ts';
import type { PlanNoticeContent } from './notices/plan-content.ts';
import type { TriesByCard } from './payments/card-tries.ts';
import { cardRefusal, type FixObstacle, isOverLimit } from './payments/charge-obstacles.ts';
import type { Spending } from './payments/spending.ts';
import { type FixRate, fixRate } from './plans.ts';
import { fixPriceAt, planAt } from './subscription.ts';

/**
 * What happens to a fix without credits. It is charged if there is a card that was not declined, no dispute
 * is open, and the limit has room.
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
  | PlanNoticeContent
  | CardNoticeContent
  | MoneyNoticeContent
  | ({ readonly kind: 'credits_removed' } & CreditsRemoved)
  | ({ readonly kind: 'limit_near'; readonly percent: 50 | 80 } & UsedLimit)
  | ({ readonly kind: 'limit_reached' } & UsedLimit)
  /** `null`: no limit. */
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
  /** Credits that were left; they cannot be spent any more. */
  | { readonly kind: 'account_closed'; readonly credits: number }
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

/**
 * A blocked fix: one notice per fix for each raise of the balance. The id begins with the raise, by which
 * delivery finds the notices with the same reason and sends one of them.
 */
export const fixBlocked = (
  { customerId, raisedSeq }: CustomerHead,
  fix: PullRequest & { readonly id: string },
  reason: FixObstacle,
  at: Date,
): Notice => ({
  customerId,
  id: `${raisedSeq}-${fix.id}`,
  createdAt: at.toISOString(),
  content: { kind: 'fix_blocked', reason, ...pullRequestName(fix) },
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
  content: {
    kind: 'card_declined',
    amountCents: charge.amountCents,
    declineCode,
    fixId: fix.id,
    ...pullRequestName(fix),
  },
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
