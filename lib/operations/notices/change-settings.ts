import type { CustomerHead } from '../../domain/customer.ts';
import type { OptionalNoticeKind } from '../../domain/notice-kinds.ts';
import type { Deps } from '../../runtime/deps.ts';
import type { Write } from '../../store/table.ts';
import { changeLedger } from '../ledger/change-ledger.ts';

/**
 * Sets the notices that a customer has turned off. The setting at the time of sending applies. Idempotent.
 * @throws BillingError customer_not_found, ledger_busy, ledger_unavailable
 */
export async function changeNoticeSettings(
  deps: Deps,
  customerId: string,
  turnedOff: readonly OptionalNoticeKind[],
  keyUse: readonly Write[] = [],
): Promise<CustomerHead> {
  const mutedNotices = [...new Set(turnedOff)].sort();
  const { answer } = await changeLedger<null, CustomerHead>(deps, {
    customerId,
    relatedKeys: [],
    onFirstTry: keyUse,
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
