import { abandonedBefore } from '../../domain/notices/delivery.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { type NoticeName, noticeLabel } from '../../store/keys.ts';
import { requeueNotice } from '../../store/notices.ts';
import { retryContended } from '../ledger/retry-contended.ts';

/**
 * Puts an unsent notice into the stream again. Returns false if it is not unsent: sent, being sent, held for
 * a digest, scheduled or muted. Idempotent.
 * @throws BillingError notice_not_found, ledger_busy, ledger_unavailable
 */
export async function resendNotice(deps: Deps, name: NoticeName): Promise<boolean> {
  const now = deps.now();
  const result = await retryContended(deps, () => requeueNotice(deps.table, name, now, abandonedBefore(now)));
  if (result.kind === 'written') return true;
  if (result.winners[0] !== undefined) return false;
  const detail = `The customer ${name.customerId} has no notice ${noticeLabel(name)}.`;
  throw new BillingError('notice_not_found', detail);
}
