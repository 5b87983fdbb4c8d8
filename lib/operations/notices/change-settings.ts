import type { CustomerHead } from '../../domain/customer.ts';
import type { OptionalNoticeKind } from '../../domain/notice-kinds.ts';
import type { Deps } from '../../runtime/deps.ts';
import { changeLedger } from '../ledger/change-ledger.ts';

/**
 * Sets which notices a customer does not want; the setting of the moment of sending counts. Safe to repeat.
 * @throws BillingError customer_not_found, ledger_busy, ledger_unavailable
 */
export async function changeNoticeSettings(
  deps: Deps,
  customerId: string,
  turnedOff: readonly OptionalNoticeKind[],
): Promise<CustomerHead> {
  const mutedNotices = [...new Set(turnedOff)].sort();
  const { answer } = await changeLedger<null, CustomerHead>(deps, {
    customerId,
    relatedKeys: [],
    decodeRelated: () => null,
    decide: () => ({
      kind: 'write',
      profile: { mutedNotices },
      writes: () => [],
      answer: ({ head }) => head,
    }),
  });
  return answer;
}
