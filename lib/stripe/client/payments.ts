import Stripe from 'stripe';
import { PAGE } from '../paging.ts';
import type { FixPayment, PaymentCalls } from '../port/payments.ts';
import { readDefaultCard } from '../readers/default-card.ts';
import { readReturn, refundMetadata } from '../readers/payment-return.ts';
import { fixMetadata, fixPaymentOf } from '../readers/payments.ts';
import { translateError } from '../translate-error.ts';
import { startOf } from './since.ts';

/**
 * Where a bank would send the cardholder. Stripe does not document whether a confirmation with
 * `allowed_payment_method_types` needs this URL. Off-session payments never use it.
 */
const RETURN_URL = 'https://app.rsolv.dev/';

export function paymentCalls(stripe: Stripe): PaymentCalls {
  return {
    async readDefaultCard(stripeCustomerId) {
      return readDefaultCard(stripe, stripeCustomerId);
    },

    async chargeFix({ stripeCustomerId, paymentMethodId, amountCents, idempotencyKey, ...reference }) {
      try {
        const intent = await stripe.paymentIntents.create(
          {
            amount: amountCents,
            currency: 'usd',
            customer: stripeCustomerId,
            payment_method: paymentMethodId,
            off_session: true,
            confirm: true,
            allowed_payment_method_types: ['card'],
            return_url: RETURN_URL,
            description: 'RSOLV: one fix',
            metadata: fixMetadata(reference),
          },
          { idempotencyKey },
        );
        return fixPayment(intent);
      } catch (error) {
        // The error of a decline carries the payment intent, which the next steps need.
        if (error instanceof Stripe.errors.StripeCardError && error.payment_intent) {
          return fixPayment(error.payment_intent);
        }
        throw error;
      }
    },

    async readFixPayment(paymentIntentId) {
      return fixPaymentOf(await stripe.paymentIntents.retrieve(paymentIntentId));
    },

    async findFixPayments(customer, fixAttemptId, since) {
      const created = { gte: startOf(since) };
      // A list includes the newest payments; a search by metadata would not.
      const found: FixPayment[] = [];
      for await (const intent of stripe.paymentIntents.list({ customer, created, limit: PAGE })) {
        const payment = fixPaymentOf(intent);
        if (payment?.fixAttemptId === fixAttemptId) found.push(payment);
      }
      return found;
    },

    async cancelPayment(paymentIntentId) {
      try {
        return fixPaymentOf(await stripe.paymentIntents.cancel(paymentIntentId));
      } catch (error) {
        const fault = translateError(error);
        // Already paid or cancelled: the current state shows which.
        if (fault.kind !== 'refused') throw fault;
        return fixPaymentOf(await stripe.paymentIntents.retrieve(paymentIntentId));
      }
    },

    async refundPayment({ paymentIntentId, attempt, amountCents }) {
      const { id } = await stripe.refunds.create(
        { payment_intent: paymentIntentId, amount: amountCents, metadata: refundMetadata(attempt) },
        { idempotencyKey: `refund:${paymentIntentId}:${attempt}` },
      );
      return id;
    },

    async readReturn(paymentIntentId) {
      return readReturn(stripe, paymentIntentId);
    },
  };
}

function fixPayment(intent: Stripe.PaymentIntent): FixPayment {
  const payment = fixPaymentOf(intent);
  if (payment === null) throw new Error(`Payment intent ${intent.id} has none of our metadata`);
  return payment;
}
