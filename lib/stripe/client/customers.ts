import Stripe from 'stripe';
import { StripeFault } from '../fault.ts';
import { MAX_FOUND, PAGE } from '../paging.ts';
import type { CustomerCalls } from '../port/customers.ts';
import type { PriceBook } from '../prices.ts';
import { findCustomers, readAccount } from '../readers/account.ts';
import { translateError } from '../translate-error.ts';
import { isDeleted, unlessDone } from './unless-done.ts';

/** Answers of Stripe's that say "failed on our side" are kept under their key too; then another one is needed. */
const MAX_CUSTOMER_KEYS = 3;

export function customerCalls(stripe: Stripe, prices: PriceBook): CustomerCalls {
  return {
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
        // Stripe refuses another customer's method, or a used one, without a code and without naming a parameter.
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
        () => readAccount(stripe, stripeCustomerId, prices),
        () => isDeleted(stripe, stripeCustomerId),
      );
      return account ?? { kind: 'deleted' };
    },
  };
}
