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
  const { answer, wrote } = await changeLedger<FixView, Answer>(deps, {
    customerId,
    relatedKeys: [
      keys.fix(customerId, fixAttemptId),
      keys.once(customerId, 'double_payment', paymentIntentId),
    ],
    decodeRelated: ([fix, double]) => ({ fix: existingFix(fix), isAnnouncedToGoBack: double !== undefined }),
    receipt,
    decide: (view) => decide(view, payment, deps.now()),
  });
  const { settlement, happened } = answer;
  if (happened !== null) {
    deps.report({
      kind: happened,
      customerId,
      fixAttemptId,
      paymentIntentId,
      amountCents: payment.amountCents,
    });
  }
  if (settlement.kind === 'paid_twice') await returnDoublePayment(deps, customerId, paymentIntentId);
  return { settlement, wrote };
}

/** What the payment has come to, and what is reported of that: null where it was reported before, or is nothing new. */
interface Answer {
  readonly settlement: Settlement;
  readonly happened: 'fix_charged' | 'charge_declined' | null;
}

const known = (settlement: Settlement): Answer => ({ settlement, happened: null });

function decide(
  { head, related: { fix, isAnnouncedToGoBack } }: LedgerView<FixView>,
  payment: FixPayment,
  at: Date,
): LedgerDecision<Answer> {
  const { billed, charge } = fix;
  if (billed !== null && billed.seq > head.seq) return { kind: 'stale' };
  const own = charge?.attempt === payment.attempt && charge.state !== 'closed' ? charge : null;
  if (payment.state !== 'succeeded') return decideUnpaid(head.customerId, fix, own, payment, at);

  const { paymentIntentId } = payment;
  if (billed?.paymentIntentId === paymentIntentId) {
    return { kind: 'done', answer: known({ kind: 'billed', already: true, billed, balance: head.balance }) };
  }
  if (billed !== null) {
    if (isAnnouncedToGoBack) return { kind: 'done', answer: known({ kind: 'paid_twice' }) };
    const { fixAttemptId, amountCents } = payment;
    const double = { fixAttemptId, paymentIntentId, amountCents, refundId: null };
    return {
      kind: 'write',
      leavesHead: true,
      writes: () => [
        announceRefund(head.customerId, double, at),
        ...(own ? [endCharge(head.customerId, fix, { ...own, state: 'closed', paymentIntentId })] : []),
      ],
      answer: () => known({ kind: 'paid_twice' }),
    };
  }
  return {
    kind: 'write',
    postings: chargedFix(fix, payment),
    writes: ({ seq }, writtenAt) => [
      billChargedFix(head.customerId, fix, billedBy(payment, seq, writtenAt), payment.attempt),
    ],
    answer: ({ head: after, at: writtenAt }) => ({
      settlement: {
        kind: 'billed',
        already: false,
        billed: billedBy(payment, after.seq, writtenAt),
        balance: after.balance,
      },
      happened: 'fix_charged',
    }),
  };
}

function decideUnpaid(
  customerId: string,
  fix: FixAttempt,
  own: FixCharge | null,
  payment: FixPayment,
  at: Date,
): LedgerDecision<Answer> {
  const state = own === null ? null : stateAfter(payment, own);
  if (own === null || state === null) return { kind: 'done', answer: known({ kind: 'unpaid' }) };
  // Each attempt is reported once: what becomes of it when the cardholder was asked is no other charge.
  const isDecline = state !== 'closed' && own.state === 'charging';
  return {
    kind: 'write',
    leavesHead: true,
    writes: () => [
      endCharge(customerId, fix, { ...own, state, paymentIntentId: payment.paymentIntentId }),
      ...(state === 'closed' ? [] : [putNotice(declined(payment, fix, at))]),
    ],
    answer: () => ({ settlement: { kind: 'unpaid' }, happened: isDecline ? 'charge_declined' : null }),
  };
}

/** The card's owner is told once for each attempt, unless they refused to confirm what they were asked to. */
function declined(payment: FixPayment, fix: FixAttempt, at: Date): Notice {
  const { customerId, decline } = payment;
  return chargeDeclined(customerId, fix, payment, decline?.declineCode ?? decline?.code ?? null, at);
}

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

const billedBy = ({ paymentIntentId, amountCents }: FixPayment, seq: number, at: Date): BilledFacts => ({
  outcome: 'charged_and_consumed',
  amountCents,
  billedAt: at.toISOString(),
  seq,
  paymentIntentId,
});
