import type Stripe from 'stripe';
import { moveMoney } from '../balance.ts';
import { invalid } from '../http/errors.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';

export type Verdict = 'won' | 'lost' | 'warning_closed' | 'prevented';

const ANSWER_WITHIN_SECONDS = 9 * 24 * 60 * 60;
const CLOSED: readonly string[] = ['won', 'lost', 'warning_closed', 'prevented'];

export const answerBy = ({ now }: Scope): number => now + ANSWER_WITHIN_SECONDS;

export const isClosed = ({ status }: Stripe.Dispute): boolean => CLOSED.includes(status);

export const isInquiry = ({ status }: Stripe.Dispute): boolean => status.startsWith('warning');

/** The net movement of the disputed amount, without fees: negative while withdrawn. */
const moved = ({ balance_transactions: movements }: Stripe.Dispute): number =>
  movements.reduce((sum, { amount }) => sum + amount, 0);

export const isWithdrawn = (dispute: Stripe.Dispute): boolean => moved(dispute) < 0;

/**
 * The bank withdraws the disputed amount, and Stripe charges its fee.
 * @throws Refusal if the amount was withdrawn before.
 */
export function withdrawFunds(scope: Scope, dispute: Stripe.Dispute): Stripe.Dispute {
  if (dispute.balance_transactions.length > 0) throw invalid('The funds were withdrawn before.');
  const { id: source, currency, amount } = dispute;
  const movement = moveMoney(scope, 'dispute', { source, currency, amount: -amount });
  dispute.balance_transactions = [movement];
  emit(scope, 'charge.dispute.funds_withdrawn', dispute);
  return dispute;
}

/**
 * The bank returns the disputed amount.
 * @throws Refusal if the amount is not withdrawn.
 */
export function reinstateFunds(scope: Scope, dispute: Stripe.Dispute): Stripe.Dispute {
  if (!isWithdrawn(dispute)) throw invalid('There are no withdrawn funds to reinstate.');
  const { id: source, currency, amount } = dispute;
  const movement = moveMoney(scope, 'dispute_reversal', { source, currency, amount });
  dispute.balance_transactions = [...dispute.balance_transactions, movement];
  emit(scope, 'charge.dispute.funds_reinstated', dispute);
  return dispute;
}

/**
 * The bank decided, or the merchant accepted the dispute. `won` and `prevented` return a withdrawn amount.
 * @throws Refusal for a verdict that the dispute's status does not allow.
 */
export function closeDispute(scope: Scope, dispute: Stripe.Dispute, verdict: Verdict): Stripe.Dispute {
  if (isClosed(dispute)) throw invalid('This dispute is already closed.');
  const fits = verdict === 'prevented' || isInquiry(dispute) === (verdict === 'warning_closed');
  if (!fits) throw invalid(`A dispute that is ${dispute.status} cannot become ${verdict}.`);
  const refundable = verdict === 'won' && scope.state.switches.won_charge_refundable === 'yes';
  const changes = {
    status: verdict,
    ...(refundable && { is_charge_refundable: true }),
  };
  const closes = verdict !== 'prevented' || scope.state.switches.prevented_dispute_closed === 'sent';
  changeAndEmit(scope, closes ? 'charge.dispute.closed' : 'charge.dispute.updated', dispute, changes);
  const returns = verdict === 'won' || verdict === 'prevented';
  if (returns && isWithdrawn(dispute)) reinstateFunds(scope, dispute);
  return dispute;
}

/**
 * An appeal reopens a lost dispute.
 * @throws Refusal for a dispute that is not lost.
 */
export function appealDispute(scope: Scope, dispute: Stripe.Dispute): Stripe.Dispute {
  if (dispute.status !== 'lost') throw invalid('Only a lost dispute can be appealed.');
  changeAndEmit(scope, 'charge.dispute.updated', dispute, {
    status: 'appeal_needs_response',
    evidence_details: { ...dispute.evidence_details, due_by: answerBy(scope) },
  });
  return dispute;
}

const REVIEWS: Readonly<Record<string, Stripe.Dispute.Status>> = {
  warning_needs_response: 'warning_under_review',
  needs_response: 'under_review',
  appeal_needs_response: 'appeal_under_review',
};

/** The status after evidence was submitted. */
export const reviewOf = ({ status }: Stripe.Dispute): Stripe.Dispute.Status => REVIEWS[status] ?? status;
