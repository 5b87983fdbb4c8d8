import type Stripe from 'stripe';
import { invalid } from '../http/errors.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';
import { answerBy, closeDispute, isClosed, isInquiry, withdrawFunds } from './dispute-life.ts';
import { updateWarnings } from './early-fraud-warnings.ts';
import { failPendingRefunds } from './refund-life.ts';

const DAY_SECONDS = 24 * 60 * 60;
/** An inquiry that has not escalated by then is closed. */
const INQUIRY_ENDS_AFTER_SECONDS = 120 * DAY_SECONDS;

export interface NewDispute {
  readonly reason: string;
  readonly inquiry: boolean;
  /** In cents; the whole charge if left out. */
  readonly amount?: number | undefined;
}

/** The cardholder's bank takes the money back. For an inquiry, it asks first. */
export function openDispute(
  scope: Scope,
  charge: Stripe.Charge,
  { reason, inquiry, amount = charge.amount }: NewDispute,
): Stripe.Dispute {
  if (!charge.paid) throw invalid('Only a charge that succeeded can be disputed.');
  if (amount < 1 || amount > charge.amount) {
    throw invalid(`The disputed amount must be between 1 and ${charge.amount}.`, { param: 'amount' });
  }
  const dispute = scope.state.disputes.add(buildDispute(scope, charge, { reason, inquiry, amount }));
  changeAndEmit(scope, 'charge.updated', charge, { disputed: true });
  emit(scope, 'charge.dispute.created', dispute);
  updateWarnings(scope, charge);
  if (inquiry) {
    scheduleEndOfInquiry(scope, dispute);
  } else {
    withdrawFunds(scope, dispute);
    failPendingRefunds(scope, charge.id);
  }
  return dispute;
}

function scheduleEndOfInquiry(scope: Scope, inquiry: Stripe.Dispute): void {
  scope.schedule.at(scope.now + INQUIRY_ENDS_AFTER_SECONDS, `the inquiry ${inquiry.id} ends`, (later) => {
    if (isInquiry(inquiry) && !isClosed(inquiry)) closeDispute(later, inquiry, 'warning_closed');
  });
}

function buildDispute(
  scope: Scope,
  charge: Stripe.Charge,
  { reason, inquiry, amount }: Required<NewDispute> & { readonly amount: number },
): Stripe.Dispute {
  const brand = charge.payment_method_details?.card?.brand ?? 'visa';
  return {
    id: scope.newId('du'),
    object: 'dispute',
    amount,
    balance_transactions: [],
    charge: charge.id,
    created: scope.now,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: NO_EVIDENCE,
    evidence_details: {
      due_by: answerBy(scope),
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
    payment_method_details: {
      card: {
        brand,
        case_type: inquiry ? 'inquiry' : 'chargeback',
        network: brand,
        network_reason_code: '10.4',
      },
      type: 'card',
    },
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
