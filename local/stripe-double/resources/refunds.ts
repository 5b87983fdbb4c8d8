import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { moveMoney } from '../balance.ts';
import { type Aftermath, testCard } from '../cards.ts';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { inRange, integer, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { change, emit, type Scope } from '../scope.ts';
import { closeDispute, isClosed, isInquiry } from './dispute-life.ts';
import { updateWarnings } from './early-fraud-warnings.ts';
import { answerRefund, changeRefund } from './refund-life.ts';

/** How long the bank of such a test card takes to answer. */
const BANK_ANSWERS_AFTER_SECONDS = 60;
const INQUIRY_SETTLES_AFTER_SECONDS = 24 * 60 * 60;

export const refundRoutes = [
  route(
    'POST',
    '/v1/refunds',
    {
      charge: z.optional(text()),
      payment_intent: z.optional(text()),
      amount: z.optional(integer),
      reason: z.optional(
        z.enum(
          ['duplicate', 'fraudulent', 'requested_by_customer'],
          'parameter_invalid: must be a reason that Stripe supports',
        ),
      ),
      metadata,
    },
    (scope, { charge: chargeId, payment_intent: intentId, amount, reason, metadata }) => {
      return refundCharge(scope, chargeOf(scope, chargeId, intentId), amount, {
        reason: reason ?? null,
        metadata: mergeMetadata({}, metadata),
      });
    },
  ),
  route(
    'GET',
    '/v1/refunds',
    { charge: z.optional(text()), payment_intent: z.optional(text()), created: range, ...page },
    (scope, { charge, payment_intent: intent, created, ...window }) => {
      const refunds = scope.state.refunds.newestFirst.filter(
        (refund) =>
          (charge === undefined || refund.charge === charge) &&
          (intent === undefined || refund.payment_intent === intent) &&
          inRange(refund.created, created),
      );
      return paginate('/v1/refunds', refunds, window);
    },
  ),
  route('GET', '/v1/refunds/:id', {}, (scope, _, { id = '' }) => scope.state.refunds.get(id, 'path')),
  route('POST', '/v1/refunds/:id', { metadata }, (scope, { metadata }, { id = '' }) => {
    const refund = scope.state.refunds.get(id, 'path');
    changeRefund(scope, refund, { metadata: mergeMetadata(refund.metadata ?? {}, metadata) });
    return refund;
  }),
  route('POST', '/v1/refunds/:id/cancel', {}, (scope, _, { id = '' }) => {
    const refund = scope.state.refunds.get(id, 'path');
    throw invalid(`A refund that is ${refund.status} cannot be canceled: only one that requires action can.`);
  }),
];

/**
 * Refunds `amount` cents of a charge, or the whole rest.
 * @throws Refusal if the charge has less than that left.
 */
export function refundCharge(
  scope: Scope,
  charge: Stripe.Charge,
  amount: number | undefined,
  more: Partial<Pick<Stripe.Refund, 'reason' | 'metadata'>> = {},
): Stripe.Refund {
  const value = refundable(scope, charge, amount);
  const refund = scope.state.refunds.add({ ...buildRefund(scope, charge, value), ...more });
  returnMoney(scope, charge, refund);
  return refund;
}

function chargeOf(scope: Scope, chargeId: string | undefined, intentId: string | undefined): Stripe.Charge {
  if (chargeId !== undefined) return scope.state.charges.get(chargeId, { param: 'charge' });
  if (intentId === undefined) {
    throw invalid('One of charge and payment_intent is required.', {
      code: 'parameter_missing',
      param: 'charge',
    });
  }
  const intent = scope.state.paymentIntents.get(intentId, { param: 'payment_intent' });
  const charge = scope.state.charges.find(idOf(intent.latest_charge));
  if (charge === undefined || !charge.paid) {
    throw invalid(`This PaymentIntent (${intentId}) does not have a successful charge to refund.`, {
      param: 'payment_intent',
    });
  }
  return charge;
}

/** @throws Refusal if the charge has less than that left. */
function refundable(scope: Scope, charge: Stripe.Charge, amount: number | undefined): number {
  if (!charge.paid)
    throw invalid(`Charge ${charge.id} did not succeed: there is nothing to refund.`, { param: 'charge' });
  const refuses = (one: Stripe.Dispute) => one.charge === charge.id && !one.is_charge_refundable;
  if (scope.state.disputes.newestFirst.some(refuses)) {
    throw invalid(`Charge ${charge.id} has been charged back; cannot issue a refund.`, {
      code: scope.state.switches.disputed_refund_code,
    });
  }
  const left = charge.amount - charge.amount_refunded;
  if (left === 0) {
    throw invalid(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' });
  }
  const value = amount ?? left;
  if (value < 1)
    throw invalid('Invalid positive integer', { code: 'parameter_invalid_integer', param: 'amount' });
  if (value > left) {
    throw invalid(`Refund amount (${value}) is greater than unrefunded amount on charge (${left}).`, {
      param: 'amount',
    });
  }
  return value;
}

/** The money leaves at once; the bank may reject the refund later. */
function returnMoney(scope: Scope, charge: Stripe.Charge, refund: Stripe.Refund): void {
  const aftermath = aftermathOf(scope, charge);
  const waits = aftermath === 'refund_pending' || scope.state.refundMode === 'pending';
  refund.status = waits ? 'pending' : 'succeeded';
  if (waits) refund.pending_reason = 'processing';
  const amountRefunded = charge.amount_refunded + refund.amount;
  const refunded = amountRefunded === charge.amount;
  emit(scope, 'refund.created', refund);
  const previous = change(charge, { amount_refunded: amountRefunded, refunded });
  const shown = scope.state.switches.charge_refunded_previous === 'present' ? previous : null;
  emit(scope, 'charge.refunded', charge, shown ?? undefined);
  updateWarnings(scope, charge);
  if (refunded) scheduleEndOfInquiries(scope, charge);
  if (scope.state.refundMode === 'pending') return;
  if (aftermath !== 'refund_pending' && aftermath !== 'refund_fails') return;
  const answer = aftermath === 'refund_pending' ? 'succeeded' : 'failed';
  const before = refund.status;
  scope.schedule.at(scope.now + BANK_ANSWERS_AFTER_SECONDS, `${refund.id} completes`, (later) => {
    if (refund.status === before) answerRefund(later, refund, answer);
  });
}

/** A full refund settles the inquiries about a charge. */
function scheduleEndOfInquiries(scope: Scope, charge: Stripe.Charge): void {
  for (const inquiry of scope.state.disputes.newestFirst) {
    if (inquiry.charge !== charge.id || !isInquiry(inquiry) || isClosed(inquiry)) continue;
    scope.schedule.at(
      scope.now + INQUIRY_SETTLES_AFTER_SECONDS,
      `the refund settles ${inquiry.id}`,
      (later) => {
        if (charge.refunded && isInquiry(inquiry) && !isClosed(inquiry)) {
          closeDispute(later, inquiry, 'warning_closed');
        }
      },
    );
  }
}

function aftermathOf(scope: Scope, { payment_method: method }: Stripe.Charge): Aftermath | undefined {
  const facts = method === null ? undefined : scope.state.cardFacts.get(method);
  return facts === undefined ? undefined : testCard(facts.card).aftermath;
}

const buildRefund = (scope: Scope, charge: Stripe.Charge, amount: number): Stripe.Refund => {
  const id = scope.newId('re');
  const { currency } = charge;
  return {
    id,
    object: 'refund',
    amount,
    balance_transaction: moveMoney(scope, 'refund', { source: id, currency, amount: -amount }).id,
    charge: charge.id,
    created: scope.now,
    currency: charge.currency,
    customer: idOf(charge.customer),
    customer_account: null,
    destination_details: {
      card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' },
      type: 'card',
    },
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'succeeded',
    transfer_reversal: null,
  };
};
