import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { type AdjustmentGuard, decodeAdjustmentGuard, guardAdjustment } from '../../store/guards.ts';
import { keys } from '../../store/keys.ts';
import { changeLedger } from './change-ledger.ts';

export interface Adjustment {
  /** Credits; negative takes credits back. */
  readonly amount: number;
  readonly reason: string;
  /** Who asked for the adjustment. */
  readonly actor: string;
  /** One key makes one adjustment. */
  readonly idempotencyKey: string;
}

export interface Adjusted {
  readonly already: boolean;
  readonly balance: number;
  readonly seq: number;
}

/**
 * An operator's correction. Idempotent: a repeat with the same key returns the first result.
 * @throws BillingError insufficient_credits (a balance never goes below zero), key_reused (same key, another
 * adjustment), customer_not_found, ledger_busy, ledger_unavailable
 */
export async function adjustCredits(
  deps: Deps,
  customerId: string,
  adjustment: Adjustment,
): Promise<Adjusted> {
  const { amount, reason, actor, idempotencyKey } = adjustment;
  const { answer } = await changeLedger<AdjustmentGuard | null, Adjusted>(deps, {
    customerId,
    relatedKeys: [keys.once(customerId, 'adjustment', idempotencyKey)],
    decodeRelated: ([item]) => (item === undefined ? null : decodeAdjustmentGuard(item)),
    decide: ({ head, related: done }) => {
      if (done !== null) {
        if (done.amount !== amount || done.reason !== reason || done.actor !== actor) {
          throw new BillingError(
            'key_reused',
            `The key ${idempotencyKey} was already used for another adjustment.`,
          );
        }
        return { kind: 'done', answer: { already: true, balance: done.balanceAfter, seq: done.seq } };
      }
      if (head.balance + amount < 0) {
        const detail = `The balance is ${head.balance} credits, so ${-amount} cannot be removed.`;
        throw new BillingError('insufficient_credits', detail, { credit_balance: head.balance });
      }
      const metadata = { reason, actor, idempotency_key: idempotencyKey };
      return {
        kind: 'write',
        postings: [{ amount, source: 'adjustment', metadata }],
        writes: ({ balance, seq }) => [
          guardAdjustment(customerId, idempotencyKey, { amount, reason, actor, balanceAfter: balance, seq }),
        ],
        answer: ({ head: { balance, seq } }) => ({ already: false, balance, seq }),
      };
    },
  });
  if (!answer.already) deps.report({ kind: 'credits_adjusted', customerId, amount });
  return answer;
}
