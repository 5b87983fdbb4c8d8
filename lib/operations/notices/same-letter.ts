import { isSaid } from '../../domain/notices/delivery.ts';
import { blockedBy, raiseOf, saysTheSame } from '../../domain/notices/one-letter.ts';
import type { Deps } from '../../runtime/deps.ts';
import { noticesOfRaise, type StoredNotice } from '../../store/notices.ts';

/** What the other notices of the same raise of the balance mean for a letter. */
interface SameLetter {
  /** Another letter has said this. */
  readonly isRepeat: boolean;
  /** Fixes that wait for the same reason, this one included. Of a repeat, only some are counted. */
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
  // Of one raise, no two notices have the same id: that of a blocked fix also names the fix.
  const isOther = (one: StoredNotice) => one.id !== id;
  let waitingFixes = 0;
  for await (const notices of noticesOfRaise(deps.table, customerId, raise)) {
    const same = notices.filter((one) => saysTheSame(notice, one));
    waitingFixes += same.filter((one) => one.content.kind === 'fix_blocked').length;
    // A repeat is not sent, so nothing needs the whole count.
    if (same.some((one) => isOther(one) && isSaid(one, deps.now()))) return { isRepeat: true, waitingFixes };
  }
  return { isRepeat: false, waitingFixes };
}
