import type Stripe from 'stripe';
import { PAGE } from '../paging.ts';
import type { PlanCalls } from '../port/plans.ts';
import type { PriceBook } from '../prices.ts';
import { readFailedRenewal, readInvoice, subscribed } from '../readers/invoices.ts';
import { translateError } from '../translate-error.ts';
import { isDeleted, unlessDone } from './unless-done.ts';

export function planCalls(stripe: Stripe, prices: PriceBook): Omit<PlanCalls, 'proPriceId'> {
  return {
    async soldPriceId(plan) {
      return prices.soldPriceId(plan);
    },

    async subscribe({ customerId, stripeCustomerId, priceId, attempt }) {
      const subscription = await stripe.subscriptions.create(
        {
          customer: stripeCustomerId,
          items: [{ price: priceId }],
          collection_method: 'charge_automatically',
          off_session: true,
          payment_behavior: 'error_if_incomplete',
          expand: ['latest_invoice'],
          metadata: orderMetadata(customerId, attempt),
        },
        { idempotencyKey: `subscribe:${customerId}:${attempt}` },
      );
      return subscribed(stripe, subscription, prices);
    },

    async findSubscribed(customer, attempt) {
      // A customer who was deleted has none any more.
      const listed = await unlessDone(
        () => stripe.subscriptions.list({ customer, status: 'all', limit: PAGE }),
        () => isDeleted(stripe, customer),
      );
      const found = listed?.data.find(({ metadata }) => metadata['attempt'] === String(attempt));
      if (found === undefined) return null;
      const subscription = await stripe.subscriptions.retrieve(found.id, { expand: ['latest_invoice'] });
      return subscribed(stripe, subscription, prices);
    },

    async setCancelAtPeriodEnd(subscriptionId, cancel) {
      // One that is over meanwhile stays as it is.
      await unlessDone(
        () => stripe.subscriptions.update(subscriptionId, { cancel_at_period_end: cancel }),
        async () => (await stripe.subscriptions.retrieve(subscriptionId)).ended_at !== null,
      );
    },

    async cancelSubscription(subscriptionId) {
      try {
        await stripe.subscriptions.cancel(subscriptionId);
      } catch (error) {
        const fault = translateError(error);
        // Over already: that is what was wanted.
        if (fault.kind !== 'refused') throw fault;
      }
    },

    async readInvoice(invoiceId) {
      return readInvoice(stripe, invoiceId, prices);
    },

    async readFailedRenewal(invoiceId) {
      try {
        return await readFailedRenewal(stripe, invoiceId);
      } catch (error) {
        const fault = translateError(error);
        // Of an order that was declined Stripe keeps nothing.
        if (fault.kind !== 'refused') throw fault;
        return null;
      }
    },
  };
}

const orderMetadata = (customerId: string, attempt: number): Stripe.MetadataParam => ({
  purpose: 'pro',
  customer_id: customerId,
  attempt: String(attempt),
});
