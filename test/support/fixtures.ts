import { randomBytes } from 'node:crypto';
import { type Onboarded, onboardCustomer } from '../../lib/operations/accounts/onboard-customer.ts';
import type { NewFixAttempt } from '../../lib/operations/fixes/record-fix-attempt.ts';
import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import type { Deps } from '../../lib/runtime/deps.ts';

/* Fixtures of both tests and benchmarks. */

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

export const uniqueEmail = (): string => `${randomBytes(6).toString('hex')}@customer.example`;

/** A customer with exactly `credits` credits. */
export async function customerWith(deps: Deps, credits: number): Promise<Onboarded> {
  const onboarded = await onboardCustomer(deps, { name: 'Acme', email: uniqueEmail(), source: 'direct' });
  const amount = credits - onboarded.head.balance;
  if (amount !== 0) {
    const adjustment = { amount, reason: 'test', actor: 'tests', idempotencyKey: 'start' };
    await adjustCredits(deps, onboarded.head.customerId, adjustment);
  }
  return onboarded;
}

/** The fix of pull request `prNumber`, always in the same repository. */
export const newFix = (prNumber: number): NewFixAttempt => ({
  githubOrg: 'acme',
  repoName: 'webshop',
  prNumber,
  prTitle: `Fix ${prNumber}`,
  prUrl: `https://github.com/acme/webshop/pull/${prNumber}`,
  issueNumber: null,
  issueTitle: null,
  issueUrl: null,
  vulnerabilityId: null,
  metadataJson: null,
});
