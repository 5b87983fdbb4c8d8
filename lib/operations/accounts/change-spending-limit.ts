import { limitChanged } from '../../domain/payments/limit-notices.ts';
import { monthOf, type Spending } from '../../domain/payments/spending.ts';
import type { Deps } from '../../runtime/deps.ts';
import { keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import { decodeSpending } from '../../store/payments/spending.ts';
import type { Write } from '../../store/table.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { accountClosed } from '../ledger/require-item.ts';

export interface SpendingLimit {
  readonly limitCents: number | null;
  readonly spending: Spending;
}

/**
 * Sets the monthly limit of fix charges, with a letter. It applies to the next announcement: an announcement
 * requires the head, and so the limit, that its caller read. Charges that are announced already are
 * completed. Idempotent.
 * @param limitCents 0 to never charge a fix, null for no limit
 * @param keyUse the use of the caller's key, stored beside the change
 * @throws BillingError customer_not_found, account_closed, ledger_busy, ledger_unavailable
 */
export async function changeSpendingLimit(
  deps: Deps,
  customerId: string,
  limitCents: number | null,
  keyUse: readonly Write[] = [],
): Promise<SpendingLimit> {
  const month = monthOf(deps.now());
  const { answer } = await changeLedger<Spending, SpendingLimit>(deps, {
    customerId,
    relatedKeys: [keys.spending(customerId, month)],
    onFirstTry: keyUse,
    decodeRelated: ([item]) => decodeSpending(item, month),
    decide: ({ head, related: spending }) => {
      if (head.closedAt !== null) throw accountClosed(customerId);
      const { spendingLimitCents: from } = head;
      if (from === limitCents) return { kind: 'done', answer: { limitCents, spending } };
      return {
        kind: 'write',
        profile: { spendingLimitCents: limitCents },
        writes: (next, at) => [putNotice(limitChanged(next, { from, to: limitCents }, at))],
        answer: () => ({ limitCents, spending }),
      };
    },
  });
  return answer;
}
