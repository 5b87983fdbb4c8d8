import { describe, expect, it } from 'vitest';
import { type Bench, bench, customerWith, offSession, refused } from './support.ts';

const latest = async ({ stripe }: Bench, type: string) => (await stripe.events.list({ type })).data[0]?.data;

describe('a payment method that is no card', () => {
  it.each([
    ['pm_usBankAccount_success', 'us_bank_account'],
    ['pm_link', 'link'],
    ['pm_cashapp', 'cashapp'],
  ] as const)('a payment method that is not a card can be attached by the name %s', async (name, type) => {
    const { stripe } = await bench();
    const customer = await stripe.customers.create();
    const method = await stripe.paymentMethods.attach(name, { customer: customer.id });
    expect(method).toMatchObject({ type, customer: customer.id });
    expect(method.card).toBeUndefined();
    expect(await stripe.paymentMethods.retrieve(method.id)).toMatchObject({ type });
    expect((await stripe.customers.listPaymentMethods(customer.id, { type: 'card' })).data).toEqual([]);
  });

  it('a payment method that is not a card can be created by its type', async () => {
    const { stripe } = await bench();
    const method = await stripe.paymentMethods.create({
      type: 'us_bank_account',
      us_bank_account: { account_number: '000123456789', routing_number: '110000000' },
      billing_details: { name: 'Ada' },
    });
    expect(method.us_bank_account?.last4).toBe('6789');
    expect((await stripe.paymentMethods.create({ type: 'link' })).type).toBe('link');
  });

  it('a payment method that is not a card cannot pay an intent that allows only cards', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe, 'pm_usBankAccount_success');
    expect(await refused(stripe.paymentIntents.create(offSession(who)))).toMatchObject({
      statusCode: 400,
      code: 'payment_intent_incompatible_payment_method',
    });
  });
});

describe('a card on file', () => {
  it('a card that its issuer replaced keeps its id and gets another fingerprint and behaviour', async () => {
    const made = await bench();
    const who = await customerWith(made.stripe);
    const before = await made.stripe.paymentMethods.retrieve(who.method);
    await made.control(`payment_methods/${who.method}/update_card`, { behavesLike: 'chargeCustomerFail' });
    const after = await made.stripe.paymentMethods.retrieve(who.method);
    expect(after.card?.fingerprint).not.toBe(before.card?.fingerprint);
    const data = await latest(made, 'payment_method.automatically_updated');
    expect(data?.object).toMatchObject({ id: who.method, customer: who.customer });
    expect(data?.previous_attributes).toMatchObject({ card: { last4: '4242' } });
    expect(await refused(made.stripe.paymentIntents.create(offSession(who)))).toMatchObject({
      code: 'card_declined',
    });
  });

  it('an expired card declines', async () => {
    const made = await bench();
    const who = await customerWith(made.stripe);
    await made.control(`payment_methods/${who.method}/update_card`, { kind: 'expired' });
    expect(await refused(made.stripe.paymentIntents.create(offSession(who)))).toMatchObject({
      code: 'expired_card',
    });
    const data = await latest(made, 'payment_method.automatically_updated');
    // It expired last month. In January that is December, as before, so only the year differs.
    expect(data?.previous_attributes).toMatchObject({ card: { exp_year: 2034 } });
  });
});

describe('customer.updated', () => {
  it('customer.updated shows only the previous values of changed keys of invoice_settings', async () => {
    const made = await bench();
    const who = await customerWith(made.stripe);
    expect((await latest(made, 'customer.updated'))?.previous_attributes).toEqual({
      invoice_settings: { default_payment_method: null },
    });
    const next = await made.stripe.paymentMethods.attach('pm_card_mastercard', { customer: who.customer });
    await made.stripe.customers.update(who.customer, {
      name: 'Ada',
      invoice_settings: { default_payment_method: next.id },
    });
    expect((await latest(made, 'customer.updated'))?.previous_attributes).toEqual({
      name: null,
      invoice_settings: { default_payment_method: who.method },
    });
  });
});
