import type { CustomerHead } from '../../domain/customer.ts';
import { disputeOpened } from '../../domain/notices/money-notices.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { putNotice } from '../../store/notices.ts';
import type { Write } from '../../store/table.ts';
import type { OpenDispute } from '../../stripe/port.ts';
import { changeLedger } from '../ledger/change-ledger.ts';

/**
 * Disputes that one change adds to the head, each with a letter: a transaction has at most 100 writes. Every
 * other dispute is added by its own event. One is enough to block charges.
 */
const MAX_ADDED = 10;

/** The open disputes that the head does not have yet; of many, the first ones. */
export const disputesToAdd = <T extends OpenDispute>(
  { openDisputes }: Pick<CustomerHead, 'openDisputes'>,
  open: readonly T[],
): readonly T[] => open.filter(({ id }) => !openDisputes.includes(id)).slice(0, MAX_ADDED);

/** A letter for each added dispute. */
export const disputeLetters = (customerId: string, added: readonly OpenDispute[], at: Date): Write[] =>
  added.map((dispute) => putNotice(disputeOpened(customerId, dispute, at)));

/**
 * The customer's head, updated with the disputes open at Stripe, because a dispute's event may be late or
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
      const added = disputesToAdd(head, open);
      if (added.length === 0) return { kind: 'done', answer: head };
      const openDisputes = [...head.openDisputes, ...added.map(({ id }) => id)].sort();
      return {
        kind: 'write',
        profile: { openDisputes },
        writes: (_, at) => disputeLetters(customerId, added, at),
        answer: ({ head: after }) => after,
      };
    },
  });
  return answer;
}
