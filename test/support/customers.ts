import { expect } from 'vitest';
import { verifyLedger } from '../../lib/domain/verify.ts';
import { recordFixAttempt } from '../../lib/operations/fixes/record-fix-attempt.ts';
import { changeLedger } from '../../lib/operations/ledger/change-ledger.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { readLedgerRecords } from '../../lib/store/audit/audit.ts';
import { newFix } from './fixtures.ts';

/** Records a fix for pull request `prNumber` and returns its id. */
export async function recordedFix(deps: Deps, customerId: string, prNumber: number): Promise<string> {
  return (await recordFixAttempt(deps, customerId, newFix(prNumber))).fix.id;
}

/** Reads the whole ledger and expects every invariant to hold. */
export async function expectSoundLedger(deps: Deps, customerId: string) {
  const records = await readLedgerRecords(deps.table, customerId);
  if (records === null) throw new Error(`no customer ${customerId}`);
  expect(verifyLedger(records)).toEqual([]);
  return records;
}

/** Leaves the head as closing does. For tests in which only the head matters. */
export async function markClosed(deps: Deps, customerId: string): Promise<void> {
  await changeLedger(deps, {
    customerId,
    relatedKeys: [],
    decodeRelated: () => null,
    decide: () => ({
      kind: 'write',
      profile: { name: '', email: '', closedAt: deps.now().toISOString() },
      writes: () => [],
      answer: () => null,
    }),
  });
}
