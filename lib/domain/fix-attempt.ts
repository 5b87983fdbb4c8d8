import { createHash } from 'node:crypto';
import type { FixRate } from './plans.ts';

/**
 * A pull request by its GitHub names. GitHub treats organisation and repository names as case-insensitive.
 */
export interface PullRequest {
  readonly githubOrg: string;
  readonly repoName: string;
  readonly prNumber: number;
}

export type BillingOutcome = 'credit_consumed' | 'charged_and_consumed';

/** How a fix was paid for. `amountCents` is 0 if a credit paid. */
export interface BilledFacts {
  readonly outcome: BillingOutcome;
  readonly amountCents: number;
  readonly billedAt: string;
  /** The ledger entry that deployed the fix. */
  readonly seq: number;
  readonly paymentIntentId: string | null;
  /** The month (UTC) in which the payment counts. Null for a credit, and in payments of earlier releases. */
  readonly spendingMonth: string | null;
}

/**
 * States of an attempt to charge a card for a fix.
 * - `charging`: announced; the outcome is unknown. Nothing else may happen to the fix.
 * - `action_required`: the bank asks the cardholder to confirm; the payment intent can still be paid.
 * - `declined`: refused; its payment intent is cancelled before the next attempt.
 * - `closed`: over; its payment intent, if there was one, cannot be paid any more.
 */
export const CHARGE_STATES = ['charging', 'action_required', 'declined', 'closed'] as const;
export type ChargeState = (typeof CHARGE_STATES)[number];

/**
 * What Stripe, the bank and the receipt say of a charge. Stored with the announcement, so that an idempotency
 * key is never sent with other parameters, also after a deploy or a change of the address.
 */
export interface ChargeTexts {
  readonly description: string;
  /** On the card's statement, after the account's own prefix. */
  readonly statementSuffix: string;
  /** Where Stripe sends its receipt; null for no receipt by Stripe. */
  readonly receiptEmail: string | null;
}

/** With a prefix of 10 characters and "* " between, a statement has 22. */
const MAX_SUFFIX = 10;

/** Only the number of the pull request: names of repositories are in the metadata. */
export function chargeTexts({ prNumber }: PullRequest, receiptEmail: string | null): ChargeTexts {
  const suffix = `FIX ${prNumber}`;
  return {
    description: `RSOLV fix #${prNumber}`,
    statementSuffix: suffix.length <= MAX_SUFFIX ? suffix : 'FIX',
    receiptEmail,
  };
}

/**
 * Stored before Stripe is called, with everything the call needs, so that a retry makes the identical call.
 */
export interface FixCharge {
  /** Counts from 1 for each fix. */
  readonly attempt: number;
  readonly state: ChargeState;
  readonly amountCents: number;
  readonly rate: FixRate;
  readonly stripeCustomerId: string;
  readonly paymentMethodId: string;
  /** The card key: its fingerprint, or the payment method's id. Null in charges of earlier releases. */
  readonly cardKey: string | null;
  readonly startedAt: string;
  /** The month (UTC) whose spending limit the charge counts in. Null in charges of earlier releases. */
  readonly spendingMonth: string | null;
  /** Null in charges of earlier releases, and once Stripe has answered: the address is not kept longer. */
  readonly texts: ChargeTexts | null;
  /** Null until Stripe has answered. */
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
  /** The caller's own JSON object. Stored as text, so no number is rounded and no nesting rejected. */
  readonly metadataJson: string | null;
  readonly createdAt: string;
  readonly billed: BilledFacts | null;
  /** The newest attempt to charge a card for the fix. */
  readonly charge: FixCharge | null;
  /** Returned money of the payment: refunds, and disputes that are not won. US cents. */
  readonly refundedCents: number;
  /** The `raisedSeq` for which the customer got the notice of this blocked fix; null if there was none. */
  readonly blockedAtRaise: number | null;
  /** GitHub's repository id, which is never reused; null until a caller sends it. */
  readonly repositoryId: number | null;
  /** On the first attempt under its names: the newest attempt, if another repository has reused the names. */
  readonly newestId: string | null;
}

/** The fields that a fix is recorded with. Its outcome is added later. */
export type RecordedFix = Omit<
  FixAttempt,
  'billed' | 'charge' | 'refundedCents' | 'blockedAtRaise' | 'repositoryId' | 'newestId'
>;

/** The same pull request always has the same id, independent of caller and letter case. */
export const fixAttemptId = (named: PullRequest): string => idFrom(nameOf(named));

/**
 * The id of an attempt in a repository that reuses the names of another one: its pull requests count from 1
 * again and are different ones. Never the id of a first attempt, whose hashed text has no second `#`.
 */
export const laterAttemptId = (named: PullRequest, repositoryId: number): string =>
  idFrom(`${nameOf(named)}#${repositoryId}`);

const nameOf = ({ githubOrg, repoName, prNumber }: PullRequest): string =>
  `${githubOrg}/${repoName}#${prNumber}`.toLowerCase();

const idFrom = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 32);

/** Stripe's idempotency key for an attempt. One attempt makes at most one charge. */
export function chargeKey(customerId: string, fixId: string, attempt: number): string {
  return `fix:${customerId}:${fixId}:${attempt}`;
}

/** The card and the try that an attempt counts as in the card's budget. */
export const tryOf = (
  fix: { readonly id: string },
  { cardKey, attempt }: FixCharge,
): { readonly cardKey: string | null; readonly id: string } => ({ cardKey, id: `${fix.id}:${attempt}` });

/**
 * The approximate limit of new fix attempts per customer and UTC day. No honest customer opens so many pull
 * requests.
 */
export const RECORDINGS = { name: 'recordings', limit: 3_200, windowSeconds: 24 * 60 * 60 } as const;
