import type { Deps } from '../../runtime/deps.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { accountClosed } from '../ledger/require-item.ts';

/**
 * Changes the customer's name, at once. Idempotent.
 * @param name checked as at sign-up
 * @throws BillingError account_closed, customer_not_found, ledger_busy, ledger_unavailable
 */
export async function changeName(deps: Deps, customerId: string, name: string): Promise<void> {
  await changeLedger<null, null>(deps, {
    customerId,
    relatedKeys: [],
    decodeRelated: () => null,
    decide: ({ head }) => {
      if (head.closedAt !== null) throw accountClosed(customerId);
      if (head.name === name) return { kind: 'done', answer: null };
      return { kind: 'write', profile: { name }, writes: () => [], answer: () => null };
    },
  });
}
