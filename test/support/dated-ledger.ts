import type { PullRequest } from '../../lib/domain/fix-attempt.ts';
import { fixAttemptId } from '../../lib/domain/fix-attempt.ts';
import { chargedFix } from '../../lib/domain/fix-billing.ts';
import { emptyLedger, type LedgerEntry, type Posting, post } from '../../lib/domain/ledger.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { encodeHead, readHead } from '../../lib/store/heads.ts';
import { encodeEntry } from '../../lib/store/ledger.ts';
import { fixOf } from './heads.ts';
import { putAll } from './history.ts';

/** Replaces a customer's ledger by these changes, each at its time. The first one opens the account. */
export async function writeLedger(
  { table }: Deps,
  customerId: string,
  changes: readonly (readonly [at: string, postings: readonly Posting[]])[],
): Promise<LedgerEntry[]> {
  const head = await readHead(table, customerId);
  if (head === null) throw new Error('no head');
  let state = emptyLedger(customerId);
  const written: LedgerEntry[] = [];
  for (const [at, postings] of changes) {
    const posted = post(state, postings, new Date(at));
    state = posted.state;
    written.push(...posted.entries);
  }
  const [first] = written;
  await putAll(table, [
    ...written.map(encodeEntry),
    encodeHead({ ...head, ...state, createdAt: first?.createdAt ?? head.createdAt }),
  ]);
  return written;
}

export const granted = (amount: number): readonly Posting[] => [
  { amount, source: 'trial_signup', metadata: { source: 'direct' } },
];

export const byCredit = (pull: PullRequest): readonly Posting[] => {
  const [, deployed] = byCard(pull);
  if (deployed === undefined) throw new Error('no fix');
  const { payment_intent_id: _, ...metadata } = deployed.metadata;
  return [{ ...deployed, metadata }];
};

export const byCard = (pull: PullRequest, amountCents = 2_900): readonly Posting[] =>
  chargedFix(fixOf({ ...pull, id: fixAttemptId(pull) }), { paymentIntentId: 'pi_1', amountCents });
