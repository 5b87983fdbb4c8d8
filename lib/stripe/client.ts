import Stripe from 'stripe';
import type { StripeConfig } from '../settings/stripe.ts';
import { findEventsOf } from './customer-events.ts';
import { fixMetadata, fixPaymentOf } from './facts.ts';
import { isFault, StripeFault } from './fault.ts';
import { listEvents, listFixPayments, listProInvoices } from './listings.ts';
import type { FixPayment, StripePort } from './port.ts';
import {
  findCustomers,
  isInvoiceReturned,
  MAX_FOUND,
  PAGE,
  readAccount,
  readFailedRenewal,
  readInvoice,
  readPaidMoney,
  readReturnedMoney,
  subscribed,
} from './queries.ts';
import { openStripe, type StripeLine } from './sdk.ts';
import { translateError } from './translate-error.ts';

/** Answers of Stripe's that say "failed on our side" are kept under their key too; then another one is needed. */
const MAX_CUSTOMER_KEYS = 3;
/** Clocks differ; what happened since a moment is looked for from a little before. */
const CLOCK_SKEW_SECONDS = 10 * 60;

/** Stripe as the service uses it. */
export function stripePort(config: StripeConfig, line: StripeLine = {}): StripePort {
  const stripe = openStripe(config, line);
  const { proPriceId } = config;

  const isDeleted = async (stripeCustomerId: string) =>
    (await stripe.customers.retrieve(stripeCustomerId)).deleted === true;

  const port: StripePort = {
    proPriceId,

    async createCustomer({ customerId, name, email, former }) {
      const metadata = { customer_id: customerId };
      for (let n = 1; n <= MAX_CUSTOMER_KEYS; n++) {
        const idempotencyKey = `customer:${customerId}:${former ?? 'first'}:${n}`;
        try {
          return (await stripe.customers.create({ name, email, metadata }, { idempotencyKey })).id;
        } catch (error) {
          const fault = translateError(error);
          if (fault.kind !== 'indeterminate') throw fault;
          const [found] = await findCustomers(stripe, email, customerId);
          if (found !== undefined) return found;
          if (!fault.facts.replayed) throw fault;
        }
      }
      throw new StripeFault('indeterminate');
    },

    async findCustomers({ customerId, email }) {
      return findCustomers(stripe, email, customerId);
    },

    async anonymiseCustomer(stripeCustomerId) {
      try {
        const methods = stripe.paymentMethods.list({ customer: stripeCustomerId, limit: PAGE });
        for (const { id } of await methods.autoPagingToArray({ limit: MAX_FOUND })) {
          const isOff = async () => (await stripe.paymentMethods.retrieve(id)).customer === null;
          await unlessDone(() => stripe.paymentMethods.detach(id), isOff);
        }
        await stripe.customers.update(stripeCustomerId, {
          name: '',
          email: '',
          phone: '',
          address: '',
          shipping: '',
        });
      } catch (error) {
        const fault = translateError(error);
        if (fault.kind !== 'refused') throw fault;
      }
    },

    async deleteCustomer(stripeCustomerId) {
      try {
        await stripe.customers.del(stripeCustomerId);
      } catch (error) {
        const fault = translateError(error);
        // Gone already: that is what was wanted.
        if (fault.kind !== 'refused') throw fault;
      }
    },

    async attachCard(customer, paymentMethodId) {
      try {
        const { id, card } = await stripe.paymentMethods.attach(paymentMethodId, { customer });
        return { paymentMethodId: id, fingerprint: card?.fingerprint ?? null };
      } catch (error) {
        // One that is somebody else's, or was used up, is refused without a code and without naming a parameter.
        if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
        throw new StripeFault('refused', translateError(error).facts);
      }
    },

    async makeDefault(stripeCustomerId, paymentMethodId) {
      await stripe.customers.update(stripeCustomerId, {
        invoice_settings: { default_payment_method: paymentMethodId },
      });
    },

    async readAccount(stripeCustomerId) {
      // Deleted between one question and the next, which then fails; that is an answer too.
      const account = await unlessDone(
        () => readAccount(stripe, stripeCustomerId, proPriceId),
        () => isDeleted(stripeCustomerId),
      );
      return account ?? { kind: 'deleted' };
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
            description: 'RSOLV: one fix',
            metadata: fixMetadata(reference),
          },
          { idempotencyKey },
        );
        return fixPayment(intent);
      } catch (error) {
        // A decline carries the payment intent, which is what the next steps need.
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
      // Listing sees what was written a moment ago; searching by metadata would not.
      const intents = await stripe.paymentIntents
        .list({ customer, created, limit: PAGE })
        .autoPagingToArray({ limit: MAX_FOUND });
      return intents
        .map(fixPaymentOf)
        .filter((payment) => payment !== null)
        .filter((payment) => payment.fixAttemptId === fixAttemptId);
    },

    async cancelPayment(paymentIntentId) {
      try {
        return fixPaymentOf(await stripe.paymentIntents.cancel(paymentIntentId));
      } catch (error) {
        const fault = translateError(error);
        // Paid, or cancelled before: how it is now tells which.
        if (fault.kind !== 'refused') throw fault;
        return fixPaymentOf(await stripe.paymentIntents.retrieve(paymentIntentId));
      }
    },

    async refundPayment(paymentIntentId) {
      try {
        const idempotencyKey = `refund:${paymentIntentId}`;
        return (await stripe.refunds.create({ payment_intent: paymentIntentId }, { idempotencyKey })).id;
      } catch (error) {
        const fault = translateError(error);
        if (!isFault(fault, 'refused', 'indeterminate')) throw fault;
        const { data } = await stripe.refunds.list({ payment_intent: paymentIntentId, limit: PAGE });
        const done = data.find(({ status }) => status !== 'failed' && status !== 'canceled');
        if (done === undefined) throw fault;
        return done.id;
      }
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
      return subscribed(stripe, subscription, priceId);
    },

    async findSubscribed(customer, attempt) {
      // A customer who was deleted has none any more.
      const listed = await unlessDone(
        () => stripe.subscriptions.list({ customer, status: 'all', limit: PAGE }),
        () => isDeleted(customer),
      );
      const found = listed?.data.find(({ metadata }) => metadata['attempt'] === String(attempt));
      if (found === undefined) return null;
      const subscription = await stripe.subscriptions.retrieve(found.id, { expand: ['latest_invoice'] });
      return subscribed(stripe, subscription, proPriceId);
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
      return readInvoice(stripe, invoiceId, proPriceId);
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

    async readReturnedMoney(chargeId) {
      return readReturnedMoney(stripe, chargeId, proPriceId);
    },

    async isInvoiceReturned(invoice) {
      return isInvoiceReturned(stripe, invoice);
    },

    async readPaidMoney(stripeCustomerId) {
      return readPaidMoney(stripe, stripeCustomerId, proPriceId);
    },

    async readEvent(eventId) {
      return stripe.events.retrieve(eventId);
    },

    async listEvents(window) {
      return listEvents(stripe, window);
    },

    async findEventsOf(stripeCustomerId, since) {
      return findEventsOf(stripe, stripeCustomerId, startOf(since));
    },

    async listFixPayments(window) {
      return listFixPayments(stripe, window);
    },

    async listProInvoices(window) {
      return listProInvoices(stripe, window, proPriceId);
    },
  };
  return translated(port);
}

/** Every failure of every call leaves as a `StripeFault`. */
function translated(port: StripePort): StripePort {
  return new Proxy(port, {
    get: (target, name, receiver) => {
      const call: unknown = Reflect.get(target, name, receiver);
      if (typeof call !== 'function') return call;
      return async (...args: unknown[]) => {
        try {
          return await call.apply(target, args);
        } catch (error) {
          throw translateError(error);
        }
      };
    },
  });
}

function fixPayment(intent: Stripe.PaymentIntent): FixPayment {
  const payment = fixPaymentOf(intent);
  if (payment === null) throw new Error(`Stripe answered payment intent ${intent.id} without our metadata`);
  return payment;
}

/**
 * Null where Stripe refuses because it is gone, or over. That is asked, not guessed: such a refusal has no code and names no
 * parameter, and one for another reason must not be taken for done.
 */
async function unlessDone<T>(ask: () => Promise<T>, isDone: () => Promise<boolean>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError) || !(await isDone())) throw error;
    return null;
  }
}

/** In Stripe's seconds, from a little before. */
const startOf = (since: Date): number => Math.floor(since.getTime() / 1000) - CLOCK_SKEW_SECONDS;

const orderMetadata = (customerId: string, attempt: number): Stripe.MetadataParam => ({
  purpose: 'pro',
  customer_id: customerId,
  attempt: String(attempt),
});
