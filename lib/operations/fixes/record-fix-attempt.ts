import { type FixAttempt, fixAttemptId, type RecordedFix } from '../../domain/fix-attempt.ts';
import type { Deps } from '../../runtime/deps.ts';
import { putNewFix } from '../../store/fix-attempts.ts';
import { retryContended } from '../ledger/retry-contended.ts';

export type NewFixAttempt = Omit<RecordedFix, 'id' | 'createdAt'>;

/**
 * Records the pull request of a fix. The same pull request again answers with what is stored; nothing changes.
 * @throws BillingError ledger_busy, ledger_unavailable
 */
export async function recordFixAttempt(
  deps: Deps,
  customerId: string,
  attempt: NewFixAttempt,
): Promise<{ readonly created: boolean; readonly fix: FixAttempt }> {
  const fix = { ...attempt, id: fixAttemptId(attempt), createdAt: deps.now().toISOString() };
  const result = await retryContended(deps, () => putNewFix(deps.table, customerId, fix));
  switch (result.kind) {
    case 'recorded':
      return {
        created: true,
        fix: { ...fix, billed: null, charge: null, refundedCents: 0, blockedAtRaise: null },
      };
    case 'exists':
      return { created: false, fix: result.fix };
    default:
      return result satisfies never;
  }
}
