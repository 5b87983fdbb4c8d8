import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { type Aftermath, testCard } from '../cards.ts';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { inRange, integer, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { change, changeAndEmit, emit, type Scope } from '../scope.ts';

/** How long the bank of such a test card takes to answer. */
const BANK_ANSWERS_AFTER_SECONDS = 60;

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
          'parameter_invalid: is no reason Stripe knows',
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
];

/**
 * Gives back `amount` cents of a charge, or all that is left of it.
 * @throws Refusal when the charge cannot give that much back.
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

/** @throws Refusal when the charge cannot give that much back. */
function refundable(scope: Scope, charge: Stripe.Charge, amount: number | undefined): number {
  if (!charge.paid)
    throw invalid(`Charge ${charge.id} did not succeed: there is nothing to refund.`, { param: 'charge' });
  const dispute = scope.state.disputes.newestFirst.find((one) => one.charge === charge.id);
  if (dispute !== undefined && !dispute.is_charge_refundable) {
    throw invalid(`Charge ${charge.id} has been charged back; cannot issue a refund.`, {
      code: 'charge_disputed',
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

/** The money leaves at once; the bank's answer may come later, and be no. */
function returnMoney(scope: Scope, charge: Stripe.Charge, refund: Stripe.Refund): void {
  const aftermath = aftermathOf(scope, charge);
  refund.status = aftermath === 'refund_pending' ? 'pending' : 'succeeded';
  const amountRefunded = charge.amount_refunded + refund.amount;
  const refunded = amountRefunded === charge.amount;
  emit(scope, 'refund.created', refund);
  const previous = change(charge, { amount_refunded: amountRefunded, refunded });
  const shown = scope.state.switches.charge_refunded_previous === 'present' ? previous : null;
  emit(scope, 'charge.refunded', charge, shown ?? undefined);
  if (aftermath !== 'refund_pending' && aftermath !== 'refund_fails') return;
  scope.schedule.at(scope.now + BANK_ANSWERS_AFTER_SECONDS, `the bank answers ${refund.id}`, (later) =>
    aftermath === 'refund_pending'
      ? changeRefund(later, refund, { status: 'succeeded' })
      : fail(later, charge, refund),
  );
}

/** The money comes back to us: the charge counts it as not refunded again. */
function fail(scope: Scope, charge: Stripe.Charge, refund: Stripe.Refund): void {
  changeRefund(scope, refund, {
    status: 'failed',
    failure_reason: 'expired_or_canceled_card',
    failure_balance_transaction: scope.newId('txn'),
  });
  emit(scope, 'refund.failed', refund);
  changeAndEmit(scope, 'charge.updated', charge, {
    amount_refunded: charge.amount_refunded - refund.amount,
    refunded: false,
  });
}

function changeRefund(scope: Scope, refund: Stripe.Refund, changes: Partial<Stripe.Refund>): void {
  changeAndEmit(scope, 'refund.updated', refund, changes);
  emit(scope, 'charge.refund.updated', refund);
}

function aftermathOf(scope: Scope, { payment_method: method }: Stripe.Charge): Aftermath | undefined {
  const facts = method === null ? undefined : scope.state.cardFacts.get(method);
  return facts === undefined ? undefined : testCard(facts.card).aftermath;
}

const buildRefund = (scope: Scope, charge: Stripe.Charge, amount: number): Stripe.Refund => ({
  id: scope.newId('re'),
  object: 'refund',
  amount,
  balance_transaction: scope.newId('txn'),
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
});
