import { type BilledFacts, type FixAttempt, type FixCharge, tryOf } from '../../domain/fix-attempt.ts';
import { chargedFix } from '../../domain/fix-billing.ts';
import { chargeDeclined, type Notice } from '../../domain/notice.ts';
import { chargePaid } from '../../domain/notices/money-notices.ts';
import {
  changeBetween,
  exceedsLimit,
  heldBy,
  monthOf,
  type Spending,
  spentBy,
} from '../../domain/payments/spending.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { billChargedFix, endCharge } from '../../store/fix-attempts.ts';
import { keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import { readCardTries, type StoredTries } from '../../store/payments/card-tries.ts';
import { announceReturn } from '../../store/payments/double-payments.ts';
import { followCharge, moveSpending, readSpendingAndTries } from '../../store/payments/spending.ts';
import type { FixPayment } from '../../stripe/port.ts';
import { changeLedger, type LedgerDecision, type LedgerView, type Receipt } from '../ledger/change-ledger.ts';
import { requireFix } from '../ledger/require-item.ts';
import { endTry, type TryOutcome } from '../payments/card-tries.ts';
import { tryReturn } from '../payments/return-double-payment.ts';

/** The outcome of a payment. Only a succeeded payment bills a fix. */
export type Settlement =
  | {
      readonly kind: 'billed';
      readonly already: boolean;
      readonly billed: BilledFacts;
      readonly balance: number;
    }
  /** The fix is already paid, so this payment is refunded. */
  | { readonly kind: 'paid_twice' }
  | { readonly kind: 'unpaid' };

/** A settlement, and whether this call wrote it together with its event. */
export interface Settled {
  readonly settlement: Settlement;
  readonly wrote: boolean;
}

interface FixView {
  readonly fix: FixAttempt;
  readonly isAnnouncedToGoBack: boolean;
}

/**
 * Makes the ledger match a fix's payment at Stripe. All ledger entries of charges are written here, for the
 * request, the webhook and the sweeper; the later caller finds the work done. A second payment of a paid fix
 * is refunded. Idempotent.
 * @throws BillingError fix_attempt_not_found, ledger_busy, ledger_unavailable. A refund that fails is left as
 * open work.
 */
export async function settleFixPayment(
  deps: PaymentDeps,
  payment: FixPayment,
  receipt?: Receipt,
): Promise<Settled> {
  const { customerId, fixAttemptId, paymentIntentId } = payment;
  const { answer, wrote } = await changeLedger<FixView, Answer, MoneyRead | undefined>(deps, {
    customerId,
    relatedKeys: [
      keys.fix(customerId, fixAttemptId),
      keys.once(customerId, 'double_payment', paymentIntentId),
    ],
    decodeRelated: ([fix, double]) => ({ fix: requireFix(fix), isAnnouncedToGoBack: double !== undefined }),
    receipt,
    // The payment's result for its card is counted in the same transaction.
    fetchCurrent: async ({ related }) => {
      if (isUnreserved(related, payment))
        return readSpendingAndTries(deps.table, customerId, monthFor(related.fix, payment, deps.now()));
      if (!openCharge(related.fix, payment)?.cardKey) return undefined;
      return { tries: await readCardTries(deps.table, customerId), spending: null };
    },
    decide: (view, read) => decide(view, payment, read, deps.now()),
  });
  const { settlement, happened, aboveLimit } = answer;
  if (aboveLimit && wrote) {
    const { amountCents } = payment;
    deps.report({ kind: 'paid_above_limit', customerId, fixAttemptId, paymentIntentId, amountCents });
  }
  if (happened !== null) {
    deps.report({
      kind: happened,
      customerId,
      fixAttemptId,
      paymentIntentId,
      amountCents: payment.amountCents,
    });
  }
  if (settlement.kind === 'paid_twice') await tryReturn(deps, customerId, paymentIntentId);
  return { settlement, wrote };
}

/** The payment's outcome, and the event to report; null if it was reported before or is not new. */
interface Answer {
  readonly settlement: Settlement;
  readonly happened: 'fix_charged' | 'charge_declined' | null;
  /** The payment had no reservation, and exceeds the spending limit of its month. */
  readonly aboveLimit: boolean;
}

const known = (settlement: Settlement, aboveLimit = false): Answer => ({
  settlement,
  happened: null,
  aboveLimit,
});

/** The tries of the customer's cards, and the spending of the payment's month if it was not reserved. */
interface MoneyRead {
  readonly tries: StoredTries;
  readonly spending: Spending | null;
}

/** A payment that succeeded after its attempt was closed or declined. Its amount is no longer reserved. */
const isUnreserved = ({ fix, isAnnouncedToGoBack }: FixView, payment: FixPayment): boolean =>
  payment.state === 'succeeded' &&
  fix.billed?.paymentIntentId !== payment.paymentIntentId &&
  !isAnnouncedToGoBack &&
  heldBy(openCharge(fix, payment)).committedCents === 0;

/**
 * The month in which a payment counts: that of its announcement. An attempt that a newer one has replaced is
 * no longer stored, so its payment counts when it is found.
 */
const monthFor = ({ charge }: FixAttempt, { attempt }: FixPayment, at: Date): string =>
  charge?.attempt === attempt ? (charge.spendingMonth ?? monthOf(new Date(charge.startedAt))) : monthOf(at);

function decide(
  { head, related: { fix, isAnnouncedToGoBack } }: LedgerView<FixView>,
  payment: FixPayment,
  read: MoneyRead | undefined,
  at: Date,
): LedgerDecision<Answer> {
  const { billed } = fix;
  const tries = read?.tries;
  if (billed !== null && billed.seq > head.seq) return { kind: 'stale' };
  const own = openCharge(fix, payment);
  if (payment.state !== 'succeeded') return decideUnpaid(head.customerId, fix, own, payment, tries, at);
  const paidTry = own === null ? [] : endTry(head.customerId, tries, tryOf(fix, own), PAID, at).writes;

  const { paymentIntentId, amountCents } = payment;
  if (billed?.paymentIntentId === paymentIntentId) {
    return { kind: 'done', answer: known({ kind: 'billed', already: true, billed, balance: head.balance }) };
  }
  const spendingMonth = monthFor(fix, payment, at);
  const change = changeBetween(heldBy(own), spentBy(amountCents));
  const spent = moveSpending(head.customerId, spendingMonth, change);
  // If the month has changed since the read, only this report can be wrong; the sums are right.
  const aboveLimit =
    read !== undefined &&
    read.spending !== null &&
    exceedsLimit(head.spendingLimitCents, read.spending, amountCents);
  if (billed !== null) {
    if (isAnnouncedToGoBack) return { kind: 'done', answer: known({ kind: 'paid_twice' }) };
    const { fixAttemptId } = payment;
    const double = { fixAttemptId, paymentIntentId, amountCents, spendingMonth };
    return {
      kind: 'write',
      leavesHead: true,
      writes: () => [
        announceReturn(head.customerId, double, at),
        ...(own ? [endCharge(head.customerId, fix, { ...own, state: 'closed', paymentIntentId })] : []),
        ...paidTry,
        ...spent,
      ],
      answer: () => known({ kind: 'paid_twice' }, aboveLimit),
    };
  }
  const billedBy = (seq: number, writtenAt: Date): BilledFacts => ({
    outcome: 'charged_and_consumed',
    amountCents,
    billedAt: writtenAt.toISOString(),
    seq,
    paymentIntentId,
    spendingMonth,
  });
  return {
    kind: 'write',
    postings: chargedFix(fix, payment),
    bills: new Date(fix.createdAt),
    writes: ({ seq }, writtenAt) => [
      billChargedFix(head.customerId, fix, billedBy(seq, writtenAt), payment.attempt),
      putNotice(chargePaid(head.customerId, fix, payment, writtenAt)),
      ...paidTry,
      ...spent,
    ],
    answer: ({ head: after, at: writtenAt }) => ({
      settlement: {
        kind: 'billed',
        already: false,
        billed: billedBy(after.seq, writtenAt),
        balance: after.balance,
      },
      happened: 'fix_charged',
      aboveLimit,
    }),
  };
}

const PAID = { kind: 'succeeded' } as const;

/** The attempt that made a payment, if it is the newest one and has no outcome yet. */
const openCharge = ({ charge }: FixAttempt, payment: FixPayment): FixCharge | null =>
  charge?.attempt === payment.attempt && charge.state !== 'closed' ? charge : null;

function decideUnpaid(
  customerId: string,
  fix: FixAttempt,
  own: FixCharge | null,
  payment: FixPayment,
  tries: StoredTries | undefined,
  at: Date,
): LedgerDecision<Answer> {
  const state = own === null ? null : stateAfter(payment, own);
  if (own === null || state === null) return { kind: 'done', answer: known({ kind: 'unpaid' }) };
  // Each attempt is reported once, so its outcome after the cardholder was asked is not reported again.
  const isDecline = state !== 'closed' && own.state === 'charging';
  const ended = endTry(customerId, tries, tryOf(fix, own), outcomeOf(payment), at);
  const after: FixCharge = { ...own, state, paymentIntentId: payment.paymentIntentId };
  return {
    kind: 'write',
    leavesHead: true,
    writes: () => [
      endCharge(customerId, fix, after),
      ...followCharge(customerId, own, after),
      ...(state !== 'closed' && ended.getsLetter ? [putNotice(declined(payment, fix, at))] : []),
      ...ended.writes,
    ],
    answer: () => ({ ...known({ kind: 'unpaid' }), happened: isDecline ? 'charge_declined' : null }),
  };
}

/** The cardholder gets one letter per attempt, unless they refused to confirm the payment. */
function declined(payment: FixPayment, fix: FixAttempt, at: Date): Notice {
  const { customerId, decline } = payment;
  return chargeDeclined(customerId, fix, payment, decline?.declineCode ?? decline?.code ?? null, at);
}

/** What an unpaid payment means for its card. */
function outcomeOf({ state, decline }: FixPayment): TryOutcome {
  // The cardholder has not confirmed the payment. The bank declined nothing, so no decline is counted.
  const isAsked = state === 'action_required' || decline?.code === 'payment_intent_authentication_failure';
  if (isAsked) return { kind: 'asked' };
  if (state !== 'declined') return { kind: 'released' };
  return { kind: 'declined', code: decline?.declineCode ?? decline?.code ?? 'card_declined' };
}

/** The next state of an attempt whose payment is unpaid; null if the state does not change. */
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
