import { createHash } from 'node:crypto';
import type { FixRate } from './plans.ts';

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

/**
 * Where an attempt to charge a card for a fix stands.
 * - `charging`: Stripe was asked, or is about to be; the answer is not known. Nothing else may happen to the fix.
 * - `action_required`: the bank wants the cardholder; the payment intent can still be paid.
 * - `declined`: refused; its payment intent is cancelled before the next attempt.
 * - `closed`: it came to nothing, and its payment intent, if there was one, cannot be paid any more.
 */
export const CHARGE_STATES = ['charging', 'action_required', 'declined', 'closed'] as const;
export type ChargeState = (typeof CHARGE_STATES)[number];

/** Stored before Stripe is asked, with everything the call needs, so that a repeat makes the very same call. */
export interface FixCharge {
  /** From 1, for each fix. */
  readonly attempt: number;
  readonly state: ChargeState;
  readonly amountCents: number;
  readonly rate: FixRate;
  readonly stripeCustomerId: string;
  readonly paymentMethodId: string;
  /** What the card's declines are counted under: its fingerprint, or the method's id. Charges of earlier releases have none. */
  readonly cardKey: string | null;
  readonly startedAt: string;
  /** Known once Stripe has answered. */
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
  /** The newest attempt to charge a card for it. */
  readonly charge: FixCharge | null;
  /** Of the money that paid for it, what went back: refunds, and disputes that are not won. US cents. */
  readonly refundedCents: number;
  /** For which raise of the balance its owner was told that it is blocked; null where they were not. */
  readonly blockedAtRaise: number | null;
  /** GitHub's number of the repository, which no other repository ever has; null where no caller has said it yet. */
  readonly repositoryId: number | null;
  /** On the first attempt under its names: the newest one, where another repository has taken the names over since. */
  readonly newestId: string | null;
}

/** What a fix is recorded with; what becomes of it comes later. */
export type RecordedFix = Omit<
  FixAttempt,
  'billed' | 'charge' | 'refundedCents' | 'blockedAtRaise' | 'repositoryId' | 'newestId'
>;

/** The same pull request has the same id whoever records it and however they spell its case. */
export const fixAttemptId = (named: PullRequest): string => idFrom(nameOf(named));

/**
 * The id of an attempt in a repository that was made again under names that another repository had: pull requests count from 1
 * again, and are others. Never the id of a first attempt, whose hashed text has no second `#`.
 */
export const laterAttemptId = (named: PullRequest, repositoryId: number): string =>
  idFrom(`${nameOf(named)}#${repositoryId}`);

const nameOf = ({ githubOrg, repoName, prNumber }: PullRequest): string =>
  `${githubOrg}/${repoName}#${prNumber}`.toLowerCase();

const idFrom = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 32);

/** Stripe's idempotency key for an attempt: the same attempt can only ever make one charge. */
export function chargeKey(customerId: string, fixId: string, attempt: number): string {
  return `fix:${customerId}:${fixId}:${attempt}`;
}

/** Which try of which card an attempt is, for the budget of the card. */
export const tryOf = (
  fix: { readonly id: string },
  { cardKey, attempt }: FixCharge,
): { readonly cardKey: string | null; readonly id: string } => ({ cardKey, id: `${fix.id}:${attempt}` });
