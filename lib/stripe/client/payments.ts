import Stripe from 'stripe';
import type { ChargeTexts } from '../../domain/fix-attempt.ts';
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

export function paymentCalls(stripe: Stripe): Omit<PaymentCalls, 'mailsReceipts'> {
  return {
    async readDefaultCard(stripeCustomerId) {
      return readDefaultCard(stripe, stripeCustomerId);
    },

    async chargeFix({ stripeCustomerId, paymentMethodId, amountCents, texts, idempotencyKey, ...reference }) {
      try {
        const intent = await createIntent(
          stripe,
          {
            amount: amountCents,
            currency: 'usd',
            customer: stripeCustomerId,
            payment_method: paymentMethodId,
            off_session: true,
            confirm: true,
            allowed_payment_method_types: ['card'],
            return_url: RETURN_URL,
            ...textsOf(texts),
            metadata: fixMetadata(reference),
          },
          idempotencyKey,
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

type NewIntent = Stripe.PaymentIntentCreateParams;

/** A charge that an earlier release announced is sent as that release sent it. */
function textsOf(
  texts: ChargeTexts | null,
): Pick<NewIntent, 'description' | 'statement_descriptor_suffix' | 'receipt_email'> {
  if (texts === null) return { description: 'RSOLV: one fix' };
  const { description, statementSuffix, receiptEmail } = texts;
  return {
    description,
    statement_descriptor_suffix: statementSuffix,
    ...(receiptEmail !== null && { receipt_email: receiptEmail }),
  };
}

/**
 * Stripe rejects some valid addresses, and that must not prevent the charge: it is then made without a
 * receipt by mail, under the same key, so there is one payment. A repeat meets the call without the address.
 */
async function createIntent(
  stripe: Stripe,
  params: NewIntent,
  idempotencyKey: string,
): Promise<Stripe.PaymentIntent> {
  const { receipt_email: address, ...others } = params;
  try {
    return await stripe.paymentIntents.create(params, { idempotencyKey });
  } catch (error) {
    if (address === undefined || !isAboutAddress(error)) throw error;
    return stripe.paymentIntents.create(others, { idempotencyKey });
  }
}

const isAboutAddress = (error: unknown): boolean =>
  error instanceof Stripe.errors.StripeIdempotencyError ||
  (error instanceof Stripe.errors.StripeInvalidRequestError && error.param === 'receipt_email');

function fixPayment(intent: Stripe.PaymentIntent): FixPayment {
  const payment = fixPaymentOf(intent);
  if (payment === null) throw new Error(`Payment intent ${intent.id} has none of our metadata`);
  return payment;
}
