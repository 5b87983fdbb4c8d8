import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import { change, emit, type Scope } from '../scope.ts';
import { answerBy, closeDispute, isClosed, isInquiry, withdrawFunds } from './dispute-life.ts';
import { openDispute } from './dispute-open.ts';
import { failPendingRefunds } from './refund-life.ts';

/**
 * An inquiry becomes a chargeback: the money is withdrawn, and the charge can no longer be refunded. Returns
 * the chargeback, which a switch can make a new dispute.
 * @throws Refusal for a dispute that is not an open inquiry.
 */
export function escalateInquiry(scope: Scope, inquiry: Stripe.Dispute): Stripe.Dispute {
  if (isClosed(inquiry) || !isInquiry(inquiry)) throw invalid('Only an open inquiry can escalate.');
  const charge = scope.state.charges.known(idOf(inquiry.charge) ?? '');
  const { reason, amount } = inquiry;
  if (scope.state.switches.inquiry_escalation === 'new_dispute') {
    closeDispute(scope, inquiry, 'warning_closed');
    return openDispute(scope, charge, { reason, amount, inquiry: false });
  }
  const setting = scope.state.switches.inquiry_escalation_events;
  const previous = change(inquiry, {
    status: 'needs_response',
    is_charge_refundable: false,
    evidence_details: { ...inquiry.evidence_details, due_by: answerBy(scope), has_evidence: false },
    ...(inquiry.payment_method_details?.card && {
      payment_method_details: {
        ...inquiry.payment_method_details,
        card: { ...inquiry.payment_method_details.card, case_type: 'chargeback' },
      },
    }),
  });
  if (setting !== 'funds_withdrawn') emit(scope, 'charge.dispute.updated', inquiry, previous ?? undefined);
  if (setting === 'updated')
    scope.events.holding(
      () => withdrawFunds(scope, inquiry),
      () => [],
    );
  else withdrawFunds(scope, inquiry);
  failPendingRefunds(scope, charge.id);
  return inquiry;
}
