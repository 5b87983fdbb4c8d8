import type Stripe from 'stripe';
import type { Scope } from './scope.ts';
import type { State } from './state.ts';

const AVAILABLE_AFTER_SECONDS = 2 * 24 * 60 * 60;
/** Stripe's fee for a charge in the United States: 2.9 % and 30 cents. */
const FEE_PER_THOUSAND = 29;
const FEE_CENTS = 30;
const DISPUTE_FEE_CENTS = 1_500;

interface Movement {
  readonly source: string;
  readonly currency: string;
  /** In cents; negative for money that leaves the balance. */
  readonly amount: number;
  /** Available at once, for any category. */
  readonly isAtOnce?: boolean | undefined;
}

interface KindOfMovement {
  readonly type: Stripe.BalanceTransaction.Type;
  readonly description: string | null;
  /** Moves available money, at once. */
  readonly isAtOnce?: true;
  fee(amount: number): number;
}

/** Stripe's reporting categories, each with the type of its balance transactions and Stripe's fee. */
const KINDS = {
  charge: {
    type: 'charge',
    description: null,
    fee: (amount) => Math.round((amount * FEE_PER_THOUSAND) / 1_000) + FEE_CENTS,
  },
  refund: { type: 'refund', description: 'REFUND FOR CHARGE', fee: () => 0 },
  refund_failure: { type: 'adjustment', description: 'REFUND FAILURE', fee: () => 0 },
  dispute: { type: 'adjustment', description: 'Chargeback withdrawal', fee: () => DISPUTE_FEE_CENTS },
  dispute_reversal: { type: 'adjustment', description: 'Chargeback reversal', fee: () => 0 },
  payout: { type: 'payout', description: 'STRIPE PAYOUT', isAtOnce: true, fee: () => 0 },
  payout_reversal: { type: 'payout_failure', description: 'PAYOUT REVERSAL', isAtOnce: true, fee: () => 0 },
} as const satisfies Record<string, KindOfMovement>;

export type ReportingCategory = keyof typeof KINDS;

/** Moves money into or out of the account's balance. `net` is `amount` minus `fee`. */
export function moveMoney(
  scope: Scope,
  category: ReportingCategory,
  { source, currency, amount, isAtOnce }: Movement,
  { fee, type }: { readonly fee?: number; readonly type?: Stripe.BalanceTransaction.Type } = {},
): Stripe.BalanceTransaction {
  const kind: KindOfMovement = KINDS[category];
  const kept = fee ?? kind.fee(amount);
  const atOnce = isAtOnce ?? kind.isAtOnce ?? false;
  const movement = scope.state.balanceTransactions.add({
    id: scope.newId('txn'),
    object: 'balance_transaction',
    amount,
    available_on: scope.now + (atOnce ? 0 : AVAILABLE_AFTER_SECONDS),
    balance_type: 'payments',
    created: scope.now,
    currency,
    description: kind.description,
    exchange_rate: null,
    fee: kept,
    fee_details:
      kept === 0
        ? []
        : [{ amount: kept, application: null, currency, description: 'Stripe fees', type: 'stripe_fee' }],
    net: amount - kept,
    reporting_category: category,
    source,
    status: atOnce ? 'available' : 'pending',
    type: type ?? kind.type,
  });
  if (!atOnce) scope.state.pendingMovements.push(movement);
  return movement;
}

/** Makes due money available. Runs in every turn, so that a replayed journal gives the same result. */
export function settleBalance({ pendingMovements: pending }: State, now: number): void {
  const due = pending.findIndex(({ available_on: at }) => at > now);
  for (const movement of pending.splice(0, due === -1 ? pending.length : due)) movement.status = 'available';
}

/** The state of a transaction at `now`, also between two turns. */
export const movementAt = (movement: Stripe.BalanceTransaction, now: number): Stripe.BalanceTransaction => ({
  ...movement,
  status: movement.available_on <= now ? 'available' : 'pending',
});

/** Whether an automatic payout paid this transaction out. A payout includes its own transaction. */
export const isPaidOutBy = ({ paidOutBy }: State, movementId: string, payoutId: string): boolean =>
  paidOutBy.get(movementId) === payoutId;

/** The account's balance at Stripe. */
export const balanceNow = (scope: Scope): Stripe.Balance => ({
  object: 'balance',
  available: sums(scope, 'available'),
  livemode: false,
  pending: sums(scope, 'pending'),
});

function sums({ state, now }: Scope, status: 'available' | 'pending'): Stripe.Balance.Available[] {
  const amounts = new Map<string, number>();
  for (const one of state.balanceTransactions.newestFirst) {
    const before = amounts.get(one.currency) ?? 0;
    amounts.set(one.currency, before + (movementAt(one, now).status === status ? one.net : 0));
  }
  if (amounts.size === 0) amounts.set('usd', 0);
  return [...amounts].map(([currency, amount]) => ({ amount, currency, source_types: { card: amount } }));
}
