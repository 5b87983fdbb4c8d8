import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { stripePort } from '../../lib/stripe/client.ts';
import { StripeFault } from '../../lib/stripe/fault.ts';
import { translateError } from '../../lib/stripe/translate-error.ts';
import type { FaultInput } from '../../local/stripe-double/faults.ts';
import { API_KEY, bench, customerWith, monthlyPrice } from '../stripe-double/support.ts';

/*
 * Faults at Stripe, injected into the stand-in and read through the real SDK: to which kind of fault the
 * service maps each.
 */

async function opened(secretKey = API_KEY) {
  const { running, stripe, control } = await bench();
  const { id: proPriceId } = await monthlyPrice(stripe);
  const port = stripePort(
    { secretKey, proPriceId, apiBase: new URL(running.url) },
    { sleep: async () => {} },
  );
  return { port, stripe, control, proPriceId, faults: running.double.faults, calls: running.double.calls };
}

/** The fault that a call ends with, as a log would show it. */
async function faultOf(call: Promise<unknown>): Promise<StripeFault> {
  try {
    await call;
  } catch (error) {
    if (error instanceof StripeFault) return error;
    throw error;
  }
  throw new Error('the call did not fail');
}

const NEW_CUSTOMER = { customerId: 'c1', name: 'Ada', email: 'ada@customer.example', former: null };
const order = (stripeCustomerId: string, priceId: string, attempt = 1) => ({
  customerId: 'c1',
  stripeCustomerId,
  priceId,
  attempt,
});

describe('what Stripe refuses', () => {
  it("a declining card is declined, with the bank's reason", async () => {
    const { port, stripe } = await opened();
    const { customer } = await customerWith(stripe);
    const fault = await faultOf(port.attachCard(customer, 'pm_card_visa_chargeDeclinedInsufficientFunds'));
    expect(fault).toMatchObject({
      kind: 'declined',
      facts: { code: 'card_declined', declineCode: 'insufficient_funds', answered: true, replayed: false },
    });
  });

  it('a decline without a reason has none, not an empty one', async () => {
    const { port, stripe } = await opened();
    const { customer } = await customerWith(stripe);
    const { kind, facts } = await faultOf(port.attachCard(customer, 'pm_card_chargeDeclinedExpiredCard'));
    expect([kind, facts.code, facts.declineCode]).toEqual(['declined', 'expired_card', undefined]);
  });

  it('a card whose bank asks for the cardholder is no decline', async () => {
    const { port, stripe, proPriceId } = await opened();
    const { customer } = await customerWith(stripe, 'pm_card_authenticationRequired');
    const fault = await faultOf(port.subscribe(order(customer, proPriceId)));
    expect(fault).toMatchObject({ kind: 'authentication_required' });
  });

  it('a missing, foreign or used payment method is refused, and no defect of ours', async () => {
    const { port, stripe } = await opened();
    const [owner, other] = [await customerWith(stripe), await customerWith(stripe)];
    const missing = await faultOf(port.attachCard(owner.customer, 'pm_missing'));
    expect(missing).toMatchObject({ kind: 'refused', facts: { code: 'resource_missing' } });
    expect(await faultOf(port.attachCard(owner.customer, other.method))).toMatchObject({ kind: 'refused' });
    await stripe.paymentMethods.detach(other.method);
    expect(await faultOf(port.attachCard(owner.customer, other.method))).toMatchObject({ kind: 'refused' });
    const charge = {
      ...{ customerId: 'c1', fixAttemptId: 'f1', attempt: 1, idempotencyKey: 'k1', amountCents: 2_900 },
      stripeCustomerId: owner.customer,
      texts: null,
    };
    const used = await faultOf(port.chargeFix({ ...charge, paymentMethodId: other.method }));
    expect(used).toMatchObject({ kind: 'refused' });
  });

  it('a missing customer is refused', async () => {
    const { port } = await opened();
    expect(await faultOf(port.attachCard('cus_missing', 'pm_card_visa'))).toMatchObject({ kind: 'refused' });
    expect(await faultOf(port.readAccount('cus_missing'))).toMatchObject({ kind: 'refused' });
  });

  it('a missing price is a defect of ours', async () => {
    const { port, stripe } = await opened();
    const { customer } = await customerWith(stripe);
    const fault = await faultOf(port.subscribe(order(customer, 'price_made_up')));
    expect(fault).toMatchObject({ kind: 'misconfigured', facts: { param: 'items[0][price]' } });
  });

  it('a wrong key is a defect of ours at every call, and appears nowhere', async () => {
    const wrong = 'sk_test_wrongSecret';
    const { port, proPriceId } = await opened(wrong);
    const faults = await Promise.all(
      [
        port.createCustomer(NEW_CUSTOMER),
        port.attachCard('cus_1', 'pm_1'),
        port.readAccount('cus_1'),
        port.subscribe(order('cus_1', proPriceId)),
        port.cancelPayment('pi_1'),
        port.refundPayment({ paymentIntentId: 'pi_1', attempt: 1, amountCents: 2_900 }),
        port.readEvent('evt_1'),
      ].map(faultOf),
    );
    for (const fault of faults) {
      expect(fault.kind).toBe('misconfigured');
      expect(`${fault.stack} ${JSON.stringify(fault)}`).not.toContain('wrongSecret');
      expect(fault.cause).toBeUndefined();
    }
  });
});

describe('what Stripe does not answer as it should', () => {
  it.each([
    ['too many requests, three times', '429', 3, { kind: 'transient', facts: { answered: true } }],
    ['the same key under way, twice', '409', 2, { kind: 'indeterminate', facts: { answered: true } }],
    ['a failure on its side, twice', '500_before', 2, { kind: 'indeterminate', facts: { answered: true } }],
    [
      'no answer, twice, though nothing happened',
      'drop_before',
      2,
      { kind: 'indeterminate', facts: { answered: false } },
    ],
    [
      'no answer, twice, though it happened',
      'drop_after',
      2,
      { kind: 'indeterminate', facts: { answered: false } },
    ],
  ] as const)('the fault %s (%s) is recognised', async (_name, kind, times, expected) => {
    const { port, faults, stripe, proPriceId } = await opened();
    const { customer } = await customerWith(stripe);
    faults.add({ method: 'POST', path: '/v1/subscriptions', kind, times });
    expect(await faultOf(port.subscribe(order(customer, proPriceId)))).toMatchObject(expected);
  });

  it('a failure stored under the key is recognised as replayed: a retry does not change it', async () => {
    const { port, faults, stripe, proPriceId } = await opened();
    const { customer } = await customerWith(stripe);
    faults.add({ method: 'POST', path: '/v1/subscriptions', kind: '500_after' });
    const subscribing = port.subscribe(order(customer, proPriceId));
    expect(await faultOf(subscribing)).toMatchObject({
      kind: 'indeterminate',
      facts: { answered: true, replayed: true },
    });
    // The subscription was created, and can be found by its order.
    expect(await port.findSubscribed(customer, 1)).toMatchObject({ subscription: { state: 'active' } });
    expect(await port.findSubscribed(customer, 2)).toBeNull();
  });

  it('a reused key says nothing about the outcome of our call', async () => {
    const { port, stripe, proPriceId } = await opened();
    const [first, second] = [await customerWith(stripe), await customerWith(stripe)];
    await port.subscribe(order(first.customer, proPriceId));
    expect(await faultOf(port.subscribe(order(second.customer, proPriceId)))).toMatchObject({
      kind: 'indeterminate',
    });
  });

  it.each<Pick<FaultInput, 'kind'>>([
    { kind: '409' },
    { kind: '500_before' },
    { kind: 'drop_before' },
    { kind: 'drop_after' },
  ])(
    'after one fault ($kind), the call is retried under the same key, and nothing happens twice',
    async ({ kind }) => {
      const { port, faults, stripe, proPriceId, calls } = await opened();
      const { customer } = await customerWith(stripe);
      faults.add({ method: 'POST', path: '/v1/subscriptions', kind });
      const { subscription } = await port.subscribe(order(customer, proPriceId));
      expect(subscription.state).toBe('active');
      const tries = calls.all.filter(({ method, path }) => method === 'POST' && path === '/v1/subscriptions');
      expect(tries.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['subscribe:c1:1', 'subscribe:c1:1']);
      expect((await stripe.subscriptions.list({ customer })).data).toHaveLength(1);
    },
  );
});

describe('a fault', () => {
  it('a fault contains neither the request nor the response', async () => {
    const { port, stripe } = await opened();
    const { customer } = await customerWith(stripe);
    const fault = await faultOf(port.attachCard(customer, 'pm_card_visa_chargeDeclined'));
    const told = `${fault.stack} ${JSON.stringify(fault)}`;
    expect(told).toMatch(/Stripe: declined, card_declined, request req_/);
    for (const secret of [API_KEY, customer, 'pm_card', 'client_secret']) expect(told).not.toContain(secret);
  });

  it('only errors of Stripe become faults: a defect of our own is rethrown', () => {
    const defect = new TypeError('a defect');
    expect(() => translateError(defect)).toThrow(defect);
    const fault = new StripeFault('transient');
    expect(translateError(fault)).toBe(fault);
  });

  it('a fault of an unknown kind needs a person', () => {
    const error = new Stripe.errors.StripePermissionError({ type: 'invalid_request_error', message: 'no' });
    expect(translateError(error)).toMatchObject({ kind: 'misconfigured' });
  });
});

describe('calls that a repeat must not break', () => {
  async function paid() {
    const { port, stripe, ...rest } = await opened();
    const who = await customerWith(stripe);
    const payment = await port.chargeFix({
      customerId: 'c1',
      fixAttemptId: 'f1',
      attempt: 1,
      stripeCustomerId: who.customer,
      paymentMethodId: who.method,
      amountCents: 2_900,
      texts: null,
      idempotencyKey: 'k1',
    });
    return { port, stripe, payment, ...rest };
  }

  it('an address that Stripe rejects does not prevent a charge, and a repeat finds the same payment', async () => {
    const { port, stripe } = await opened();
    const { customer, method } = await customerWith(stripe);
    const charge = () =>
      port.chargeFix({
        ...{ customerId: 'c1', fixAttemptId: 'f1', attempt: 1, idempotencyKey: 'k1', amountCents: 2_900 },
        ...{ stripeCustomerId: customer, paymentMethodId: method },
        texts: { description: 'RSOLV fix #42', statementSuffix: 'FIX 42', receiptEmail: 'rejected' },
      });
    const { paymentIntentId, state } = await charge();
    expect(state).toBe('succeeded');
    expect((await charge()).paymentIntentId).toBe(paymentIntentId);
    expect(await stripe.paymentIntents.retrieve(paymentIntentId)).toMatchObject({
      description: 'RSOLV fix #42',
      statement_descriptor_suffix: 'FIX 42',
      receipt_email: null,
    });
  });

  it('cancelling a payment that was paid meanwhile returns that it was paid', async () => {
    const { port, payment } = await paid();
    expect(payment).toMatchObject({ state: 'succeeded', amountCents: 2_900 });
    expect(await port.cancelPayment(payment.paymentIntentId)).toMatchObject({ state: 'succeeded' });
  });

  it('a refund is made once for each attempt, and is read with its attempt', async () => {
    const { port, stripe, payment, faults } = await paid();
    const { paymentIntentId } = payment;
    const byHand = await stripe.refunds.create({ payment_intent: paymentIntentId, amount: 100 });
    const refund = { paymentIntentId, attempt: 1, amountCents: 2_800 };
    faults.add({ method: 'POST', path: '/v1/refunds', kind: 'drop_after' });
    const first = await port.refundPayment(refund);
    expect(await port.refundPayment(refund)).toBe(first);
    const { refunds } = await port.readReturn(paymentIntentId);
    expect(refunds.toSorted((a, b) => a.amountCents - b.amountCents)).toEqual([
      { id: byHand.id, amountCents: 100, state: 'succeeded', attempt: null },
      { id: first, amountCents: 2_800, state: 'succeeded', attempt: 1 },
    ]);
  });

  it('a subscription that is over can be cancelled', async () => {
    const { port, stripe, proPriceId } = await opened();
    const { customer } = await customerWith(stripe);
    const { subscription } = await port.subscribe(order(customer, proPriceId));
    await port.cancelSubscription(subscription.id);
    await port.cancelSubscription(subscription.id);
    expect(await port.readAccount(customer)).toMatchObject({ subscriptions: [{ state: 'canceled' }] });
  });

  it('changing the end of a subscription that is over does nothing, without a fault', async () => {
    const { port, stripe, proPriceId } = await opened();
    const { customer } = await customerWith(stripe);
    const { subscription } = await port.subscribe(order(customer, proPriceId));
    await port.cancelSubscription(subscription.id);
    for (const cancel of [true, false]) await port.setCancelAtPeriodEnd(subscription.id, cancel);
    expect(await port.readAccount(customer)).toMatchObject({ subscriptions: [{ state: 'canceled' }] });
  });

  it('a call refused for another reason does not count as done', async () => {
    const { port } = await opened();
    await expect(port.setCancelAtPeriodEnd('sub_nothing', true)).rejects.toMatchObject({ kind: 'refused' });
    await expect(port.findSubscribed('cus_nothing', 1)).rejects.toMatchObject({ kind: 'refused' });
  });

  it('an order of a customer deleted since has ended', async () => {
    const { port, stripe } = await opened();
    const { customer } = await customerWith(stripe);
    await stripe.customers.del(customer);
    expect(await port.findSubscribed(customer, 1)).toBeNull();
    await port.anonymiseCustomer(customer);
  });

  it('a customer deleted between two reads is returned as deleted', async () => {
    const { port, stripe, faults } = await opened();
    const { customer } = await customerWith(stripe);
    faults.add({ method: 'GET', path: '/v1/subscriptions', kind: 'delay', ms: 300 });
    const account = port.readAccount(customer);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await stripe.customers.del(customer);
    expect(await account).toEqual({ kind: 'deleted' });
  });

  it('a customer is created once, even if Stripe stored a failure under the key', async () => {
    const { port, stripe, faults } = await opened();
    faults.add({ method: 'POST', path: '/v1/customers', kind: '500_after' });
    const first = await port.createCustomer(NEW_CUSTOMER);
    expect(await port.createCustomer(NEW_CUSTOMER)).toBe(first);
    expect((await stripe.customers.list({ email: NEW_CUSTOMER.email })).data).toHaveLength(1);
    // A deleted customer is not reused.
    await stripe.customers.del(first);
    expect(await port.createCustomer({ ...NEW_CUSTOMER, former: first })).not.toBe(first);
    // A customer who changed the name after a lost answer can still add a card.
    expect(await port.createCustomer({ ...NEW_CUSTOMER, name: 'Acme Ltd' })).not.toBe(first);
  });

  it('a decline, and a bank that asks, are payments too', async () => {
    const { port, stripe } = await opened();
    const charged = async (card: string, idempotencyKey: string) => {
      const { customer, method } = await customerWith(stripe, card);
      const reference = { customerId: 'c1', fixAttemptId: 'f1', attempt: 1 };
      return port.chargeFix({
        ...reference,
        stripeCustomerId: customer,
        paymentMethodId: method,
        amountCents: 2_900,
        texts: null,
        idempotencyKey,
      });
    };
    expect(await charged('pm_card_chargeCustomerFail', 'k1')).toMatchObject({
      state: 'declined',
      decline: { code: 'card_declined', declineCode: 'generic_decline' },
    });
    expect(await charged('pm_card_authenticationRequired', 'k2')).toMatchObject({
      state: 'action_required',
      clientSecret: expect.stringContaining('_secret_'),
    });
  });
});
