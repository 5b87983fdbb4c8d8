import type Stripe from 'stripe';
import { changeAndEmit, emit, type Scope } from '../scope.ts';

const ANSWER_WITHIN_SECONDS = 9 * 24 * 60 * 60;

/** The cardholder's bank takes the money back, or, for an inquiry, asks first. */
export function openDispute(
  scope: Scope,
  charge: Stripe.Charge,
  { reason, inquiry }: { readonly reason: string; readonly inquiry: boolean },
): Stripe.Dispute {
  const dispute = scope.state.disputes.add(buildDispute(scope, charge, reason, inquiry));
  changeAndEmit(scope, 'charge.updated', charge, { disputed: true });
  emit(scope, 'charge.dispute.created', dispute);
  if (!inquiry) emit(scope, 'charge.dispute.funds_withdrawn', dispute);
  return dispute;
}

function buildDispute(scope: Scope, charge: Stripe.Charge, reason: string, inquiry: boolean): Stripe.Dispute {
  return {
    id: scope.newId('du'),
    object: 'dispute',
    amount: charge.amount,
    balance_transactions: [],
    charge: charge.id,
    created: scope.now,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: NO_EVIDENCE,
    evidence_details: {
      due_by: scope.now + ANSWER_WITHIN_SECONDS,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: inquiry,
    livemode: false,
    metadata: {},
    network_reason_code: '10.4',
    payment_intent: charge.payment_intent,
    reason,
    status: inquiry ? 'warning_needs_response' : 'needs_response',
  };
}

const NO_EVIDENCE: Readonly<Stripe.Dispute.Evidence> = {
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: null,
};
