import type { CustomerHead } from '../../domain/customer.ts';
import { disputeOpened } from '../../domain/notice.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { putNotice } from '../../store/notices.ts';
import type { OpenDispute } from '../../stripe/port.ts';
import { changeLedger } from '../ledger/change-ledger.ts';

/**
 * The customer's head, updated with all disputes open at Stripe, because a dispute's event may be late or
 * lost. The dispute's own event changes the credits. Idempotent.
 * @throws StripeFault, BillingError customer_not_found, ledger_busy, ledger_unavailable
 */
export async function headWithOpenDisputes(
  deps: PaymentDeps,
  customerId: string,
  stripeCustomerId: string,
): Promise<CustomerHead> {
  const { answer } = await changeLedger<null, CustomerHead, readonly OpenDispute[]>(deps, {
    customerId,
    relatedKeys: [],
    decodeRelated: () => null,
    fetchCurrent: async () => (await deps.stripe()).findOpenDisputes(stripeCustomerId),
    decide: ({ head }, open = []) => {
      const unknown = open.filter(({ id }) => !head.openDisputes.includes(id));
      if (unknown.length === 0) return { kind: 'done', answer: head };
      const openDisputes = [...head.openDisputes, ...unknown.map(({ id }) => id)].sort();
      return {
        kind: 'write',
        profile: { openDisputes },
        writes: (_, at) => unknown.map((dispute) => putNotice(disputeOpened(customerId, dispute, at))),
        answer: ({ head: after }) => after,
      };
    },
  });
  return answer;
}
