import { createHash } from 'node:crypto';

/** A pull request as GitHub names it. GitHub treats organisation and repository names as case-insensitive. */
export interface PullRequest {
  readonly githubOrg: string;
  readonly repoName: string;
  readonly prNumber: number;
}

export type BillingOutcome = 'credit_consumed' | 'charged_and_consumed';

/** How a fix was paid for. `amountCents` is 0 when a credit paid. */
export interface BilledFacts {
  readonly outcome: BillingOutcome;
  readonly amountCents: number;
  readonly billedAt: string;
  /** The ledger entry that deployed the fix. */
  readonly seq: number;
  readonly paymentIntentId: string | null;
}

/** A fix's pull request, recorded when it was opened, billed once after its merge. */
export interface FixAttempt extends PullRequest {
  readonly id: string;
  readonly prTitle: string;
  readonly prUrl: string;
  readonly issueNumber: number | null;
  readonly issueTitle: string | null;
  readonly issueUrl: string | null;
  readonly vulnerabilityId: string | null;
  /** The caller's own JSON object, kept as text so that no number or nesting in it can be refused or rounded. */
  readonly metadataJson: string | null;
  readonly createdAt: string;
  readonly billed: BilledFacts | null;
}

/** The same pull request has the same id whoever records it and however they spell its case. */
export function fixAttemptId({ githubOrg, repoName, prNumber }: PullRequest): string {
  const name = `${githubOrg}/${repoName}#${prNumber}`.toLowerCase();
  return createHash('sha256').update(name).digest('hex').slice(0, 32);
}
