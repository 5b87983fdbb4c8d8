import type { CustomerHead } from '../../domain/customer.ts';
import type { BilledFacts, FixAttempt, FixCharge } from '../../domain/fix-attempt.ts';
import type { Blocked, FixBillingDecision } from '../../domain/fix-billing.ts';
import { fixBlocked } from '../../domain/notice.ts';
import { chargeObstacles, isOverLimit, type WantedCharge } from '../../domain/payments/charge-obstacles.ts';
import { monthOf, noSpending } from '../../domain/payments/spending.ts';
import { fixPriceAt } from '../../domain/subscription.ts';
import { billFix, noteBlocked } from '../../store/fix-attempts.ts';
import { putNewNotice } from '../../store/notices.ts';
import type { Decline, FixPayment } from '../../stripe/port.ts';
import type { LedgerDecision, LedgerView } from '../ledger/change-ledger.ts';
import type { Payable } from '../payments/payable.ts';
import { type Announced, type BillingRequest, decideAnnouncement } from './announce-charge.ts';

/* Turns the decision about a fix into writes, and into the next step of its billing. */

/** A fix that is neither billed nor charged, with what the spending limit was compared with. */
export interface BlockedFix extends Blocked {
  readonly wanted: WantedCharge;
  readonly limitCents: number | null;
}

export type FixBilling =
  | {
      readonly kind: 'billed';
      readonly already: boolean;
      readonly billed: BilledFacts;
      readonly balance: number;
    }
  | BlockedFix
  | { readonly kind: 'declined'; readonly decline: Decline; readonly balance: number }
  | Extract<Announced, { kind: 'not_tried' }>
  | { readonly kind: 'action_required'; readonly payment: FixPayment; readonly balance: number };

/** The next step of the fix's charge, before the fix can be billed or is left unbilled. */
export type ChargeStep = {
  readonly kind: 'charge' | 'await_cardholder' | 'close_first';
  readonly fix: FixAttempt;
  readonly charge: FixCharge;
  readonly balance: number;
  /** This call announced the charge. */
  readonly isFresh?: true;
};

export type NextStep = FixBilling | ChargeStep | Announced;

/** What to write for a decision, or its answer. Pure. */
export function toDecision(
  { head, related: fix }: LedgerView<FixAttempt>,
  decision: FixBillingDecision,
  payable: Payable | undefined,
  asked: BillingRequest,
): LedgerDecision<NextStep> {
  const { balance, customerId } = head;
  switch (decision.kind) {
    case 'stale':
      return decision;
    case 'already_billed':
      return {
        kind: 'done',
        answer: { kind: 'billed', already: true, billed: decision.billed, balance },
      };
    case 'blocked':
      if (head.paymentMethodId === null && payable?.card)
        return { kind: 'done', answer: { kind: 'card_changed' } };
      return block(head, fix, decision, payable, asked);
    case 'consume':
      return {
        kind: 'write',
        postings: [decision.posting],
        bills: new Date(fix.createdAt),
        writes: ({ seq }, at) => [billFix(customerId, fix, fromCredit(seq, at))],
        answer: ({ head: after, at }) => ({
          kind: 'billed',
          already: false,
          billed: fromCredit(after.seq, at),
          balance: after.balance,
        }),
      };
    case 'charge': {
      const { charge } = decision;
      // The month has changed since it was read.
      if (payable === undefined || payable.spending.month !== charge.spendingMonth) return { kind: 'stale' };
      if (payable.card?.paymentMethodId === charge.paymentMethodId) {
        const { amountCents } = charge;
        if (isOverLimit(head, { amountCents, spending: payable.spending })) {
          const code = 'spending_limit_reached';
          const blocked: Blocked = { kind: 'blocked', code, reasons: [code], balance };
          return block(head, fix, blocked, payable, asked);
        }
      }
      return decideAnnouncement(head, fix, charge, payable, asked);
    }
    case 'resume':
      return { kind: 'done', answer: { kind: 'charge', fix, charge: decision.charge, balance } };
    case 'await_cardholder':
    case 'close_first':
      return { kind: 'done', answer: { kind: decision.kind, fix, charge: decision.charge, balance } };
    default:
      return decision satisfies never;
  }
}

/** Leaves a fix unbilled, with all reasons. One letter, however often billing is called. */
function block(
  head: CustomerHead,
  fix: FixAttempt,
  decision: Blocked,
  payable: Payable | undefined,
  { at, byPerson }: BillingRequest,
): LedgerDecision<NextStep> {
  const { customerId } = head;
  const wanted: WantedCharge = {
    amountCents: fixPriceAt(head, at),
    spending: payable?.spending ?? noSpending(monthOf(at)),
  };
  const cards = payable?.tries.cards ?? {};
  const reasons = chargeObstacles(head, { at, byPerson, cards, wanted });
  const blocked: BlockedFix = { ...decision, reasons, wanted, limitCents: head.spendingLimitCents };
  if (fix.blockedAtRaise === head.raisedSeq) return { kind: 'done', answer: blocked };
  return {
    kind: 'write',
    writes: (_, writtenAt) => [
      noteBlocked(customerId, fix, head.raisedSeq),
      putNewNotice(fixBlocked(head, fix, decision.code, writtenAt)),
    ],
    answer: () => blocked,
  };
}

const fromCredit = (seq: number, at: Date): BilledFacts => ({
  outcome: 'credit_consumed',
  amountCents: 0,
  billedAt: at.toISOString(),
  seq,
  paymentIntentId: null,
  spendingMonth: null,
});
