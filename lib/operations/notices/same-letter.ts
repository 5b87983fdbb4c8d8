import { isSaid } from '../../domain/notices/delivery.ts';
import { blockedBy, raiseOf, saysTheSame } from '../../domain/notices/one-letter.ts';
import type { Deps } from '../../runtime/deps.ts';
import { readNoticesOfRaise, type StoredNotice } from '../../store/notices.ts';

/** What the other notices of the same raise of the balance mean for a letter. */
interface SameLetter {
  /** Another letter has said this. */
  readonly isRepeat: boolean;
  /** Fixes that wait for the same reason, this one included. */
  readonly waitingFixes: number;
}

/**
 * Looks for letters that say the same as a notice of a blocked fix, or of a balance of 0. Null for a notice
 * of another kind, which costs no read.
 * @throws BillingError ledger_unavailable
 */
export async function findSameLetter(deps: Deps, notice: StoredNotice): Promise<SameLetter | null> {
  const { customerId, id, content } = notice;
  const raise = raiseOf({ kind: content.kind, id });
  if (raise === null || blockedBy(content) === null) return null;
  const same = (await readNoticesOfRaise(deps.table, customerId, raise)).filter((one) =>
    saysTheSame(notice, one),
  );
  const others = same.filter((one) => one.content.kind !== content.kind || one.id !== id);
  return {
    isRepeat: others.some((one) => isSaid(one, deps.now())),
    waitingFixes: same.filter((one) => one.content.kind === 'fix_blocked').length,
  };
}
