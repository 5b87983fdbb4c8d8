import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { Deps } from '../../lib/deps.ts';
import { verifyLedger } from '../../lib/domain/verify.ts';
import { adjustCredits } from '../../lib/operations/adjust-credits.ts';
import { type Onboarded, onboardCustomer } from '../../lib/operations/onboard-customer.ts';
import { recordFixAttempt } from '../../lib/operations/record-fix-attempt.ts';
import { readLedgerRecords } from '../../lib/store/audit.ts';

export const uniqueEmail = (): string => `${randomBytes(6).toString('hex')}@customer.example`;

/** A customer who has exactly `credits`. */
export async function customerWith(deps: Deps, credits: number): Promise<Onboarded> {
  const onboarded = await onboardCustomer(deps, { name: 'Acme', email: uniqueEmail(), source: 'direct' });
  const amount = credits - onboarded.head.balance;
  if (amount !== 0) {
    const adjustment = { amount, reason: 'test', actor: 'tests', idempotencyKey: 'start' };
    await adjustCredits(deps, onboarded.head.customerId, adjustment);
  }
  return onboarded;
}

export const pullRequest = (prNumber: number) => ({ githubOrg: 'acme', repoName: 'webshop', prNumber });

/** Records a fix for pull request `prNumber` and returns its id. */
export async function recordedFix(deps: Deps, customerId: string, prNumber: number): Promise<string> {
  const { fix } = await recordFixAttempt(deps, customerId, {
    ...pullRequest(prNumber),
    prTitle: `Fix ${prNumber}`,
    prUrl: `https://github.com/acme/webshop/pull/${prNumber}`,
    issueNumber: null,
    issueTitle: null,
    issueUrl: null,
    vulnerabilityId: null,
    metadataJson: null,
  });
  return fix.id;
}

/** Reads the whole ledger back and expects every invariant to hold. */
export async function expectSoundLedger(deps: Deps, customerId: string) {
  const records = await readLedgerRecords(deps.table, customerId);
  if (records === null) throw new Error(`no customer ${customerId}`);
  expect(verifyLedger(records)).toEqual([]);
  return records;
}
