import { closingAsked } from '../../domain/notices/address-notices.ts';
import { isOver } from '../../domain/subscription.ts';
import type { Deps } from '../../runtime/deps.ts';
import { putNotice } from '../../store/notices.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { accountClosed } from '../ledger/require-item.ts';

/**
 * Stores that the customer wants the account closed, with a letter. Support closes it: closing ends keys,
 * card and subscription, and cannot be undone. Idempotent: the first wish counts.
 * @throws BillingError account_closed, customer_not_found, ledger_busy, ledger_unavailable
 */
export async function askToClose(deps: Deps, customerId: string): Promise<void> {
  const { wrote } = await changeLedger<null, null>(deps, {
    customerId,
    relatedKeys: [],
    decodeRelated: () => null,
    decide: ({ head }) => {
      if (head.closedAt !== null) throw accountClosed(customerId);
      if (head.closingAskedAt !== null) return { kind: 'done', answer: null };
      const { subscription } = head;
      const hasPro = subscription !== null && !isOver(subscription.state);
      return {
        kind: 'write',
        profile: { closingAskedAt: deps.now().toISOString() },
        writes: (next, at) => [putNotice(closingAsked(next, hasPro, at))],
        answer: () => null,
      };
    },
  });
  if (wrote) deps.report({ kind: 'closing_asked', customerId });
}

/**
 * Withdraws the wish to close the account. Idempotent.
 * @throws BillingError account_closed, customer_not_found, ledger_busy, ledger_unavailable
 */
export async function keepOpen(deps: Deps, customerId: string): Promise<void> {
  const { wrote } = await changeLedger<null, null>(deps, {
    customerId,
    relatedKeys: [],
    decodeRelated: () => null,
    decide: ({ head }) => {
      if (head.closedAt !== null) throw accountClosed(customerId);
      if (head.closingAskedAt === null) return { kind: 'done', answer: null };
      return {
        kind: 'write',
        profile: { closingAskedAt: null },
        writes: () => [],
        answer: () => null,
      };
    },
  });
  if (wrote) deps.report({ kind: 'closing_withdrawn', customerId });
}
