import { createHash } from 'node:crypto';
import Stripe from 'stripe';
import { NOT_A_CARD, StripeFault } from '../fault.ts';
import { PAGE } from '../paging.ts';
import type { CustomerCalls } from '../port/customers.ts';
import type { PriceBook } from '../prices.ts';
import { findCustomers, readAccount } from '../readers/account.ts';
import { cardFacts } from '../readers/default-card.ts';
import { translateError } from '../translate-error.ts';
import { isDeleted, nullIfDone } from './null-if-done.ts';

/** Stripe also stores a 500 answer under its idempotency key. Then another key is needed. */
const MAX_CUSTOMER_KEYS = 3;

export function customerCalls(stripe: Stripe, prices: PriceBook): CustomerCalls {
  return {
    async createCustomer({ customerId, name, email, former }) {
      const metadata = { customer_id: customerId };
      const created = email === null ? { name, metadata } : { name, email, metadata };
      // Name and address can change between two tries, and Stripe refuses a key with other parameters.
      const sent = createHash('sha256')
        .update(JSON.stringify([name, email]))
        .digest('hex')
        .slice(0, 16);
      const key = `customer:${customerId}:${former ?? 'first'}:${sent}`;
      for (let n = 1; n <= MAX_CUSTOMER_KEYS; n++) {
        try {
          return (await stripe.customers.create(created, { idempotencyKey: `${key}:${n}` })).id;
        } catch (error) {
          const fault = translateError(error);
          if (fault.kind !== 'indeterminate') throw fault;
          // Without an address, the search below cannot find the customer. The idempotency key can, for a
          // day.
          const [found] = email === null ? [] : await findCustomers(stripe, email, customerId);
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
        // List all methods before the first is detached: each page starts after a method of the page before.
        const methods: string[] = [];
        const listed = stripe.paymentMethods.list({ customer: stripeCustomerId, limit: PAGE });
        for await (const { id } of listed) methods.push(id);
        for (const id of methods) {
          const isOff = async () => (await stripe.paymentMethods.retrieve(id)).customer === null;
          await nullIfDone(() => stripe.paymentMethods.detach(id), isOff);
        }
        await deleteSources(stripe, stripeCustomerId);
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
        // Already deleted.
        if (fault.kind !== 'refused') throw fault;
      }
    },

    async attachCard(customer, paymentMethodId) {
      try {
        const { id, type, card } = await stripe.paymentMethods.attach(paymentMethodId, { customer });
        if (type === 'card') return cardFacts(id, card);
        // Only now is the type certain. The method never becomes the default, so it cannot be charged.
        await stripe.paymentMethods.detach(id);
      } catch (error) {
        // Stripe rejects a used method, or another customer's, without a code or parameter.
        if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
        throw new StripeFault('refused', translateError(error).facts);
      }
      throw new StripeFault('refused', { code: NOT_A_CARD });
    },

    async readCustomerClaim(stripeCustomerId) {
      const found = await stripe.customers.retrieve(stripeCustomerId);
      return found.deleted ? null : (found.metadata['customer_id'] ?? null);
    },

    async makeDefault(stripeCustomerId, paymentMethodId) {
      await stripe.customers.update(stripeCustomerId, {
        invoice_settings: { default_payment_method: paymentMethodId },
      });
    },

    async readAccount(stripeCustomerId) {
      // The customer may be deleted between two of the reads. The next read then fails.
      const account = await nullIfDone(
        () => readAccount(stripe, stripeCustomerId, prices),
        () => isDeleted(stripe, stripeCustomerId),
      );
      return account ?? { kind: 'deleted' };
    },
  };
}

/**
 * Cards and bank accounts of older integrations. Whether Stripe lists such cards as payment methods is not
 * documented.
 */
async function deleteSources(stripe: Stripe, stripeCustomerId: string): Promise<void> {
  const listed = async () => {
    const ids: string[] = [];
    for await (const { id } of stripe.customers.listSources(stripeCustomerId, { limit: PAGE })) ids.push(id);
    return ids;
  };
  for (const id of await listed()) {
    const isGone = async () => !(await listed()).includes(id);
    await nullIfDone(() => stripe.customers.deleteSource(stripeCustomerId, id), isGone);
  }
}
