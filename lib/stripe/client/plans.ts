import Stripe from 'stripe';
import { StripeFault } from '../fault.ts';
import type { PlanCalls } from '../port/plans.ts';
import type { PriceBook } from '../prices.ts';
import { REPLACED } from '../readers/account.ts';
import { findOpenRenewal } from '../readers/coverage.ts';
import {
  readFailedRenewal,
  readInvoice,
  readInvoiceReach,
  readInvoiceValue,
  subscribed,
} from '../readers/invoices.ts';
import { translateError } from '../translate-error.ts';
import { nullIfDone } from './null-if-done.ts';
import { findSubscription, orderMetadata } from './orders.ts';

export function planCalls(stripe: Stripe, prices: PriceBook): Omit<PlanCalls, 'proPriceId'> {
  return {
    async soldPrice(plan) {
      return prices.soldPrice(plan);
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
      const subscription = await findSubscription(stripe, customer, attempt);
      return subscription === null ? null : subscribed(stripe, subscription, prices);
    },

    async setCancelAtPeriodEnd(subscriptionId, cancel) {
      // Does nothing if the subscription has ended.
      await nullIfDone(
        () =>
          cancel
            ? stripe.subscriptions.update(subscriptionId, { cancel_at_period_end: true })
            : withdrawCancellation(stripe, subscriptionId),
        () => isEnded(stripe, subscriptionId),
      );
    },

    async clearOwnCard(subscriptionId, defaultCard) {
      await nullIfDone(
        () => clearOwnCard(stripe, subscriptionId, defaultCard),
        () => isEnded(stripe, subscriptionId),
      );
    },

    async cancelSubscription(subscriptionId, isReplaced = false) {
      try {
        const details = isReplaced ? { cancellation_details: { comment: REPLACED } } : {};
        await stripe.subscriptions.cancel(subscriptionId, details);
      } catch (error) {
        const fault = translateError(error);
        // Already ended.
        if (fault.kind !== 'refused') throw fault;
      }
    },

    async findOpenRenewal(subscriptionId, isAsked) {
      return findOpenRenewal(stripe, subscriptionId, isAsked, prices);
    },

    async readRenewalState(invoiceId) {
      const { status } = await stripe.invoices.retrieve(invoiceId);
      if (status === 'paid') return 'paid';
      return status === 'open' || status === 'uncollectible' ? 'open' : 'over';
    },

    async payInvoice({ invoiceId, paymentMethodId, idempotencyKey }) {
      const payment = { payment_method: paymentMethodId, off_session: true };
      const { status } = await stripe.invoices.pay(invoiceId, payment, { idempotencyKey });
      // The card's payment is still being processed: it may succeed or fail later.
      if (status !== 'paid') throw new StripeFault('indeterminate', { answered: true });
    },

    async readInvoice(invoiceId) {
      return readInvoice(stripe, invoiceId, prices);
    },

    async readInvoiceValue(invoiceId, known) {
      return readInvoiceValue(stripe, invoiceId, prices, known);
    },

    async readInvoiceReach(invoiceId) {
      return readInvoiceReach(stripe, invoiceId, prices);
    },

    async readFailedRenewal(invoiceId) {
      try {
        return await readFailedRenewal(stripe, invoiceId, prices);
      } catch (error) {
        const fault = translateError(error);
        // Stripe keeps no invoice of a declined order.
        if (fault.kind !== 'refused') throw fault;
        return null;
      }
    },
  };
}

const isEnded = async (stripe: Stripe, subscriptionId: string): Promise<boolean> =>
  (await stripe.subscriptions.retrieve(subscriptionId)).ended_at !== null;

/** Stripe rejects the flag and the date in one call. The flag alone may leave a date behind. */
async function withdrawCancellation(stripe: Stripe, subscriptionId: string): Promise<Stripe.Subscription> {
  let subscription = await stripe.subscriptions.retrieve(subscriptionId);
  if (subscription.cancel_at_period_end) {
    subscription = await stripe.subscriptions.update(subscriptionId, { cancel_at_period_end: false });
  }
  if (subscription.cancel_at === null) return subscription;
  return stripe.subscriptions.update(subscriptionId, { cancel_at: '' });
}

/**
 * Whether Stripe accepts an empty card is not documented. If not, the customer's default card replaces it.
 */
async function clearOwnCard(stripe: Stripe, subscriptionId: string, defaultCard: string): Promise<void> {
  const own = await stripe.subscriptions.retrieve(subscriptionId);
  const cleared = {
    ...(own.default_payment_method !== null && { default_payment_method: '' }),
    ...(own.default_source !== null && { default_source: '' }),
  };
  if (Object.keys(cleared).length === 0) return;
  try {
    await stripe.subscriptions.update(subscriptionId, cleared);
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    await stripe.subscriptions.update(subscriptionId, { default_payment_method: defaultCard });
  }
}
