import type Stripe from 'stripe';
import { moveMoney } from '../balance.ts';
import { testCard } from '../cards.ts';
import { idOf } from '../collection.ts';
import { hostedUrl } from '../hosted.ts';
import type { Scope } from '../scope.ts';

export interface Failure {
  readonly code: string;
  readonly declineCode: string | null;
  readonly message: string;
}

/** A charge copies its intent's metadata when it is made; later changes do not reach it. */
export function buildCharge(
  scope: Scope,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  failure: Failure | null,
): Stripe.Charge {
  const paid = failure === null;
  const id = scope.newId('ch');
  const { amount, currency } = intent;
  const movement = { source: id, currency, amount, isAtOnce: isAvailableAtOnce(scope, method) };
  return {
    id,
    object: 'charge',
    amount: intent.amount,
    amount_captured: paid ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: paid ? moveMoney(scope, 'charge', movement).id : null,
    billing_details: { ...method.billing_details },
    calculated_statement_descriptor: 'RSOLV',
    captured: paid,
    created: scope.now,
    currency: intent.currency,
    customer: idOf(intent.customer),
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: failure?.code ?? null,
    failure_message: failure?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: { ...intent.metadata },
    on_behalf_of: null,
    outcome: outcomeOf(failure),
    paid,
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: detailsOf(intent.amount, method),
    radar_options: {},
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: paid ? hostedUrl(`/receipts/${id}`) : null,
    refunded: false,
    review: null,
    shipping: intent.shipping === null ? null : { ...intent.shipping },
    source: null,
    source_transfer: null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status: paid ? 'succeeded' : 'failed',
    transfer_data: null,
    transfer_group: null,
  };
}

/** Payments by one test card are available at once. */
function isAvailableAtOnce({ state }: Scope, { id }: Stripe.PaymentMethod): true | undefined {
  const facts = state.cardFacts.get(id);
  return facts === undefined ? undefined : testCard(facts.card).isAvailableAtOnce;
}

const outcomeOf = (failure: Failure | null): Stripe.Charge.Outcome => ({
  advice_code: null,
  network_advice_code: null,
  network_decline_code: failure === null ? null : '01',
  network_status: failure === null ? 'approved_by_network' : 'declined_by_network',
  reason: failure === null ? null : (failure.declineCode ?? failure.code),
  risk_level: 'normal',
  risk_score: 20,
  seller_message: failure === null ? 'Payment complete.' : 'The bank declined the payment.',
  type: failure === null ? 'authorized' : 'issuer_declined',
});

function detailsOf(amount: number, { card, type }: Stripe.PaymentMethod): Stripe.Charge.PaymentMethodDetails {
  if (card === undefined) return { type };
  return {
    card: {
      amount_authorized: amount,
      authorization_code: null,
      brand: card.brand,
      checks: card.checks,
      country: card.country,
      electronic_commerce_indicator: null,
      exp_month: card.exp_month,
      exp_year: card.exp_year,
      fingerprint: card.fingerprint ?? null,
      funding: card.funding,
      installments: null,
      last4: card.last4,
      mandate: null,
      network: card.brand,
      network_transaction_id: null,
      regulated_status: card.regulated_status,
      three_d_secure: null,
      transaction_link_id: null,
      wallet: null,
    },
    type: 'card',
  };
}
