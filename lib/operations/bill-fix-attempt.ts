import type { Deps } from '../deps.ts';
import type { BilledFacts, FixAttempt } from '../domain/fix-attempt.ts';
import { decideFixBilling } from '../domain/fix-billing.ts';
import { BillingError } from '../errors.ts';
import { decodeFix } from '../store/items.ts';
import { keys } from '../store/keys.ts';
import { billFix } from '../store/ledger.ts';
import type { Item } from '../store/table.ts';
import { changeLedger, type LedgerDecision, type LedgerView } from './change-ledger.ts';

export type FixBilling =
  | {
      readonly kind: 'billed';
      readonly already: boolean;
      readonly billed: BilledFacts;
      readonly balance: number;
    }
  | { readonly kind: 'blocked'; readonly code: 'no_billing_info'; readonly balance: number };

/**
 * Bills a merged fix: one credit, once for each fix however often and however concurrently it is called.
 * @throws BillingError fix_attempt_not_found, charging_unavailable, ledger_busy, ledger_unavailable
 */
export async function billFixAttempt(
  deps: Deps,
  customerId: string,
  fixId: string,
  read?: LedgerView<FixAttempt>,
): Promise<FixBilling> {
  const change = await changeLedger<FixAttempt, FixBilling>(
    deps,
    { customerId, onceKey: keys.fix(customerId, fixId), decodeOnce: existingFix, decide },
    read,
  );
  if (change.kind === 'settled') return change.outcome;
  return {
    kind: 'billed',
    already: false,
    billed: fromCredit(change.state.seq, change.at),
    balance: change.state.balance,
  };
}

function decide({ head, once: fix }: LedgerView<FixAttempt>): LedgerDecision<FixBilling> {
  const decision = decideFixBilling(head, fix);
  switch (decision.kind) {
    case 'already_billed': {
      const { billed, balance } = decision;
      return { kind: 'settled', outcome: { kind: 'billed', already: true, billed, balance } };
    }
    case 'stale':
      return decision;
    case 'blocked':
      return { kind: 'settled', outcome: decision };
    case 'consume':
      return {
        kind: 'change',
        postings: [decision.posting],
        once: ({ seq }, at) => billFix(head.customerId, fix.id, fromCredit(seq, at)),
      };
    case 'charge': {
      const detail =
        'No credits are left, and cards are not charged yet. The fix stays unbilled; try again later.';
      throw new BillingError('charging_unavailable', detail, { credit_balance: head.balance });
    }
    default:
      return decision satisfies never;
  }
}

const fromCredit = (seq: number, at: Date): BilledFacts => ({
  outcome: 'credit_consumed',
  amountCents: 0,
  billedAt: at.toISOString(),
  seq,
  paymentIntentId: null,
});

/** @throws BillingError fix_attempt_not_found, also for another customer's fix: it is in another partition. */
export function existingFix(item: Item | undefined): FixAttempt {
  if (item !== undefined) return decodeFix(item);
  throw new BillingError('fix_attempt_not_found', 'There is no fix attempt like this. Record it first.');
}
