import type { CustomerHead } from '../../domain/customer.ts';
import { isMuted, type OptionalNoticeKind } from '../../domain/notice-kinds.ts';
import type { Deps } from '../../runtime/deps.ts';
import type { Write } from '../../store/table.ts';
import { changeLedger } from '../ledger/change-ledger.ts';

/**
 * Sets the notices that a customer has turned off. The setting at the time of sending applies. Idempotent.
 * @throws BillingError customer_not_found, ledger_busy, ledger_unavailable
 */
export const changeNoticeSettings = (
  deps: Deps,
  customerId: string,
  turnedOff: readonly OptionalNoticeKind[],
  keyUse: readonly Write[] = [],
): Promise<CustomerHead> => changeMuted(deps, customerId, () => turnedOff, keyUse);

/**
 * Turns one kind of notice off, and leaves the others as they are. Idempotent. Does nothing for a closed
 * account.
 * @throws BillingError customer_not_found, ledger_busy, ledger_unavailable
 */
export const turnOffNotice = (
  deps: Deps,
  customerId: string,
  kind: OptionalNoticeKind,
): Promise<CustomerHead> =>
  changeMuted(deps, customerId, ({ mutedNotices, closedAt }) =>
    closedAt !== null || isMuted(kind, mutedNotices) ? null : [...mutedNotices, kind],
  );

/** @param mutedOf the kinds to turn off; null if nothing changes */
async function changeMuted(
  deps: Deps,
  customerId: string,
  mutedOf: (head: CustomerHead) => readonly OptionalNoticeKind[] | null,
  keyUse: readonly Write[] = [],
): Promise<CustomerHead> {
  const { answer } = await changeLedger<null, CustomerHead>(deps, {
    customerId,
    relatedKeys: [],
    onFirstTry: keyUse,
    decodeRelated: () => null,
    decide: ({ head }) => {
      const muted = mutedOf(head);
      if (muted === null) return { kind: 'done', answer: head };
      return {
        kind: 'write',
        profile: { mutedNotices: [...new Set(muted)].sort() },
        writes: () => [],
        answer: ({ head: changed }) => changed,
      };
    },
  });
  return answer;
}
