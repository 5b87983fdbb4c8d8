import Stripe from 'stripe';
import type { ApprovalCalls, Ordered } from '../port/approvals.ts';
import type { PriceBook } from '../prices.ts';
import { approvalOf, withPayment } from '../readers/approvals.ts';
import { subscribed } from '../readers/invoices.ts';
import { translateError } from '../translate-error.ts';
import { findSubscription, orderMetadata } from './orders.ts';

export function approvalCalls(stripe: Stripe, prices: PriceBook): ApprovalCalls {
  return {
    async orderOnSession({ customerId, stripeCustomerId, priceId, attempt }) {
      const subscription = await stripe.subscriptions.create(
        {
          customer: stripeCustomerId,
          items: [{ price: priceId }],
          collection_method: 'charge_automatically',
          payment_behavior: 'default_incomplete',
          expand: ['latest_invoice'],
          metadata: orderMetadata(customerId, attempt),
        },
        { idempotencyKey: `subscribe:${customerId}:${attempt}` },
      );
      return withPayment(stripe, await subscribed(stripe, subscription, prices));
    },

    async findOrdered(customer, attempt) {
      const subscription = await findSubscription(stripe, customer, attempt);
      if (subscription === null) return null;
      return withPayment(stripe, await subscribed(stripe, subscription, prices));
    },

    async readOrdered(subscriptionId) {
      const expand = ['latest_invoice'];
      const subscription = await stripe.subscriptions.retrieve(subscriptionId, { expand });
      return withPayment(stripe, await subscribed(stripe, subscription, prices));
    },

    async confirmOnSession({ paymentIntentId, paymentMethodId, returnUrl, idempotencyKey }) {
      try {
        const intent = await stripe.paymentIntents.confirm(
          paymentIntentId,
          { payment_method: paymentMethodId, off_session: false, return_url: returnUrl },
          { idempotencyKey },
        );
        return approvalOf(intent);
      } catch (error) {
        // The error of a decline carries the payment intent.
        if (error instanceof Stripe.errors.StripeCardError && error.payment_intent) {
          return approvalOf(error.payment_intent);
        }
        throw error;
      }
    },

    async readApproval(paymentIntentId) {
      return approvalOf(await stripe.paymentIntents.retrieve(paymentIntentId));
    },

    async endUnpaid(ordered) {
      if (!(await voidInvoice(stripe, ordered))) return false;
      try {
        await stripe.subscriptions.cancel(ordered.subscription.id);
      } catch (error) {
        const fault = translateError(error);
        // Already ended, perhaps by its voided invoice.
        if (fault.kind !== 'refused') throw fault;
      }
      return true;
    },
  };
}

/**
 * First the invoice, then the subscription: the cardholder could still approve the payment of a subscription
 * that has ended. Returns false if the invoice is paid.
 */
async function voidInvoice(stripe: Stripe, { invoice }: Ordered): Promise<boolean> {
  if (invoice === null) return true;
  if (invoice.paid) return false;
  try {
    await stripe.invoices.voidInvoice(invoice.id);
    return true;
  } catch (error) {
    const fault = translateError(error);
    // Stripe refuses it for an invoice that is paid or void by now, without a code.
    if (fault.kind !== 'refused' && fault.kind !== 'misconfigured') throw fault;
    const { status } = await stripe.invoices.retrieve(invoice.id);
    if (status === 'open' || status === 'draft') throw fault;
    return status !== 'paid';
  }
}
