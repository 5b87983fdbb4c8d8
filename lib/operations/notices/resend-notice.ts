import { abandonedBefore } from '../../domain/notices/delivery.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { type NoticeName, noticeLabel } from '../../store/keys.ts';
import { requeueNotice } from '../../store/notices.ts';
import { retryContended } from '../ledger/retry-contended.ts';

/**
 * Requeues an unsent notice for the stream. Returns false for a notice that was sent or is being sent.
 * Idempotent.
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
