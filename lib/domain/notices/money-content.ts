import type { PullRequest } from '../fix-attempt.ts';

export interface PullRequestName {
  /** `org/name`. */
  readonly repo: string;
  readonly prNumber: number;
}

export const pullRequestName = ({ githubOrg, repoName, prNumber }: PullRequest): PullRequestName => ({
  repo: `${githubOrg}/${repoName}`,
  prNumber,
});

/** How a dispute ended. `closed`: an inquiry, which moved no money. */
export const DISPUTE_OUTCOMES = ['won', 'lost', 'closed'] as const;
export type DisputeOutcome = (typeof DISPUTE_OUTCOMES)[number];

/** Charges for fixes, and returned money. Amounts in US cents. */
export type MoneyNoticeContent =
  | ({
      readonly kind: 'card_declined';
      readonly amountCents: number;
      /** Stripe's decline code; null if the card itself could not be used. */
      readonly declineCode: string | null;
      /** Null in notices of earlier releases. */
      readonly fixId: string | null;
    } & PullRequestName)
  | ({ readonly kind: 'receipt'; readonly amountCents: number } & PullRequestName)
  | {
      readonly kind: 'refund_made';
      readonly amountCents: number;
      /** The fix was paid twice, and this was the second payment. */
      readonly isDouble: boolean;
      /** Null if the fix is not known here. */
      readonly pullRequest: PullRequestName | null;
    }
  | { readonly kind: 'dispute'; readonly disputeId: string; readonly amountCents: number }
  | {
      readonly kind: 'dispute_closed';
      readonly disputeId: string;
      readonly amountCents: number;
      readonly outcome: DisputeOutcome;
    };
