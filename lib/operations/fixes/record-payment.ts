import type { BilledFacts, FixAttempt, FixCharge } from '../../domain/fix-attempt.ts';
import { chargedFix } from '../../domain/fix-billing.ts';
import { chargeDeclined, type Notice } from '../../domain/notice.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { billChargedFix, endCharge } from '../../store/fix-attempts.ts';
import { announceRefund } from '../../store/guards.ts';
import { keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import type { FixPayment } from '../../stripe/port.ts';
import { changeLedger, type LedgerDecision, type LedgerView, type Receipt } from '../ledger/change-ledger.ts';
import { existingFix } from '../ledger/require-item.ts';
import { returnDoublePayment } from '../payments/return-double-payment.ts';

/** What a payment has come to. Only a payment that succeeded bills a fix. */
export type Settlement =
  | {
      readonly kind: 'billed';
      readonly already: boolean;
      readonly billed: BilledFacts;
      readonly balance: number;
    }
  /** The fix was paid for already: this payment goes back. */
  | { readonly kind: 'paid_twice' }
  | { readonly kind: 'unpaid' };

/** A settlement, and whether this call wrote it, together with the event that it came with. */
export interface Settled {
  readonly settlement: Settlement;
  readonly wrote: boolean;
}

interface FixView {
  readonly fix: FixAttempt;
  readonly isAnnouncedToGoBack: boolean;
}

/**
 * Brings the ledger to where Stripe says a fix's payment is. The one way in which a charge becomes entries: the request,
 * the webhook and the sweeper all come here, and who comes second finds it done. A payment of a fix that was paid for
 * already is given back. Safe to repeat.
 * @throws BillingError fix_attempt_not_found, ledger_busy, ledger_unavailable; StripeFault while money is given back
 */
export async function settleFixPayment(
  deps: PaymentDeps,
  payment: FixPayment,
  receipt?: Receipt,
): Promise<Settled> {
  const { customerId, fixAttemptId, paymentIntentId } = payment;
  const change = await changeLedger<FixView, Settlement>(deps, {
    customerId,
    onceKeys: [keys.fix(customerId, fixAttemptId), keys.once(customerId, 'double_payment', paymentIntentId)],
    decodeOnce: ([fix, double]) => ({ fix: existingFix(fix), isAnnouncedToGoBack: double !== undefined }),
    receipt,
    decide: (view) => decide(view, payment, deps.now()),
  });
  const settlement = change.kind === 'settled' ? change.outcome : written(payment, change);
  const { amountCents } = payment;
  if (change.kind === 'changed' && settlement.kind === 'billed') {
    deps.report({ kind: 'fix_charged', customerId, fixAttemptId, paymentIntentId, amountCents });
  }
  // Each attempt once: what becomes of it when the cardholder was asked is no other charge.
  if (change.kind === 'changed' && isDeclined(payment) && change.once.fix.charge?.state === 'charging') {
    deps.report({ kind: 'charge_declined', customerId, fixAttemptId, paymentIntentId, amountCents });
  }
  if (settlement.kind === 'paid_twice') await returnDoublePayment(deps, customerId, paymentIntentId);
  return { settlement, wrote: change.kind === 'changed' };
}

function decide(
  { head, once: { fix, isAnnouncedToGoBack } }: LedgerView<FixView>,
  payment: FixPayment,
  at: Date,
): LedgerDecision<Settlement> {
  const { billed, charge } = fix;
  if (billed !== null && billed.seq > head.seq) return { kind: 'stale' };
  const own = charge?.attempt === payment.attempt && charge.state !== 'closed' ? charge : null;
  const { paymentIntentId } = payment;

  if (payment.state !== 'succeeded') {
    const state = own === null ? null : stateAfter(payment, own);
    if (own === null || state === null) return { kind: 'settled', outcome: { kind: 'unpaid' } };
    return {
      kind: 'aside',
      alongside: [
        endCharge(head.customerId, fix, { ...own, state, paymentIntentId }),
        ...(state === 'closed' ? [] : [putNotice(declined(payment, fix, at))]),
      ],
    };
  }
  if (billed?.paymentIntentId === paymentIntentId) {
    return { kind: 'settled', outcome: { kind: 'billed', already: true, billed, balance: head.balance } };
  }
  if (billed !== null) {
    if (isAnnouncedToGoBack) return { kind: 'settled', outcome: { kind: 'paid_twice' } };
    const { fixAttemptId, amountCents } = payment;
    const double = { fixAttemptId, paymentIntentId, amountCents, refundId: null };
    return {
      kind: 'aside',
      alongside: [
        announceRefund(head.customerId, double, at),
        ...(own ? [endCharge(head.customerId, fix, { ...own, state: 'closed', paymentIntentId })] : []),
      ],
    };
  }
  return {
    kind: 'change',
    postings: chargedFix(fix, payment),
    alongside: ({ seq }, writtenAt) => [
      billChargedFix(head.customerId, fix, billedBy(payment, seq, writtenAt), payment.attempt),
    ],
  };
}

/** The card's owner is told once for each attempt, unless they refused to confirm what they were asked to. */
function declined(payment: FixPayment, fix: FixAttempt, at: Date): Notice {
  const { customerId, decline } = payment;
  return chargeDeclined(customerId, fix, payment, decline?.declineCode ?? decline?.code ?? null, at);
}

const isDeclined = ({ state }: FixPayment): boolean => state === 'declined' || state === 'action_required';

/** Where an attempt goes when its payment is not paid; null where it is already. */
function stateAfter({ state }: FixPayment, charge: FixCharge): FixCharge['state'] | null {
  switch (state) {
    case 'action_required':
      return charge.state === 'charging' ? 'action_required' : null;
    case 'declined':
      return charge.state === 'declined' ? null : 'declined';
    case 'canceled':
      return 'closed';
    case 'processing':
    case 'succeeded':
      return null;
    default:
      return state satisfies never;
  }
}

function written(
  payment: FixPayment,
  { head, entries, at }: { head: LedgerView<unknown>['head']; entries: readonly unknown[]; at: Date },
): Settlement {
  if (payment.state !== 'succeeded') return { kind: 'unpaid' };
  if (entries.length === 0) return { kind: 'paid_twice' };
  return { kind: 'billed', already: false, billed: billedBy(payment, head.seq, at), balance: head.balance };
}

const billedBy = ({ paymentIntentId, amountCents }: FixPayment, seq: number, at: Date): BilledFacts => ({
  outcome: 'charged_and_consumed',
  amountCents,
  billedAt: at.toISOString(),
  seq,
  paymentIntentId,
});
