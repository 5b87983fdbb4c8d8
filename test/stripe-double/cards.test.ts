import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { bench, customerWith, offSession, refused } from './support.ts';

const DECLINERS = [
  ['pm_card_visa_chargeDeclined', 'card_declined', 'generic_decline'],
  ['pm_card_visa_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
  ['pm_card_visa_chargeDeclinedLostCard', 'card_declined', 'lost_card'],
  ['pm_card_visa_chargeDeclinedStolenCard', 'card_declined', 'stolen_card'],
  ['pm_card_visa_chargeDeclinedVelocityLimitExceeded', 'card_declined', 'card_velocity_exceeded'],
  ['pm_card_chargeDeclinedExpiredCard', 'expired_card', ''],
  ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc', ''],
  ['pm_card_chargeDeclinedProcessingError', 'processing_error', ''],
] as const;

describe('a card that declines', () => {
  it.each(DECLINERS)('%s declines a charge with %s / %s', async (card, code, declineCode) => {
    const { stripe } = await bench();
    const { id } = await stripe.customers.create();
    const error = await refused(stripe.paymentIntents.create(offSession({ customer: id, method: card })));
    expect(error).toBeInstanceOf(Stripe.errors.StripeCardError);
    expect(error).toMatchObject({ statusCode: 402, code, decline_code: declineCode });
    expect(error.payment_intent).toMatchObject({ status: 'requires_payment_method', payment_method: null });
    expect(error.payment_method?.object).toBe('payment_method');
    const charge = await stripe.charges.retrieve(String(error.charge));
    expect(charge).toMatchObject({ status: 'failed', paid: false, failure_code: code });
  });

  it.each(DECLINERS)('%s cannot be added to a customer', async (card, code) => {
    const { stripe } = await bench();
    const { id } = await stripe.customers.create();
    const error = await refused(stripe.paymentMethods.attach(card, { customer: id }));
    expect(error).toMatchObject({ statusCode: 402, code, rawType: 'card_error' });
    expect((await stripe.paymentMethods.list({ customer: id })).data).toEqual([]);
  });

  it('a card that declines only when charged can be added to a customer', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe, 'pm_card_chargeCustomerFail');
    const error = await refused(stripe.paymentIntents.create(offSession(who)));
    expect(error).toMatchObject({ code: 'card_declined', statusCode: 402 });
  });
});

describe('authentication', () => {
  it.each([
    ['pm_card_authenticationRequired', 'authentication_required'],
    ['pm_card_authenticationRequiredOnSetup', 'authentication_required'],
    ['pm_card_authenticationRequiredChargeDeclinedInsufficientFunds', 'card_declined'],
  ])('%s refuses an off-session charge with %s', async (card, code) => {
    const { stripe } = await bench();
    const error = await refused(stripe.paymentIntents.create(offSession(await customerWith(stripe, card))));
    expect(error).toMatchObject({ statusCode: 402, code });
    expect(error.decline_code).toBe(code === 'card_declined' ? 'insufficient_funds' : code);
    expect(error.payment_intent?.client_secret).toMatch(/_secret_/);
  });

  it('pm_card_authenticationRequiredSetupForOffSession pays off-session', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe, 'pm_card_authenticationRequiredSetupForOffSession');
    expect((await stripe.paymentIntents.create(offSession(who))).status).toBe('succeeded');
  });

  it('a payment that needs authentication off-session succeeds on the same payment intent afterwards', async () => {
    const { stripe, control, eventTypes } = await bench();
    const who = await customerWith(stripe, 'pm_card_authenticationRequired');
    const error = await refused(stripe.paymentIntents.create(offSession(who)));
    const id = String(error.payment_intent?.id);
    await control(`payment_intents/${id}/authenticate`, { succeeds: true });
    expect(await stripe.paymentIntents.retrieve(id)).toMatchObject({
      status: 'succeeded',
      amount_received: 2_900,
      last_payment_error: null,
      payment_method: who.method,
    });
    expect((await eventTypes()).slice(-2)).toEqual(['charge.succeeded', 'payment_intent.succeeded']);
  });

  it('a failed authentication leaves the payment intent without a payment method', async () => {
    const { stripe, control } = await bench();
    const who = await customerWith(stripe, 'pm_card_authenticationRequired');
    const { id, status, next_action } = await stripe.paymentIntents.create({
      ...offSession(who),
      off_session: false,
    });
    expect([status, next_action?.type]).toEqual(['requires_action', 'use_stripe_sdk']);
    await control(`payment_intents/${id}/authenticate`, { succeeds: false });
    expect(await stripe.paymentIntents.retrieve(id)).toMatchObject({
      status: 'requires_payment_method',
      payment_method: null,
      last_payment_error: { code: 'payment_intent_authentication_failure' },
    });
  });

  it('a card that needs authentication until it is set up pays off-session after one authentication', async () => {
    const { stripe, control } = await bench();
    const who = await customerWith(stripe, 'pm_card_authenticationRequiredOnSetup');
    const present = { ...offSession(who), off_session: false, setup_future_usage: 'off_session' as const };
    const { id } = await stripe.paymentIntents.create(present);
    await control(`payment_intents/${id}/authenticate`, { succeeds: true });
    expect((await stripe.paymentIntents.create(offSession(who))).status).toBe('succeeded');
  });

  it('confirming on session asks the cardholder, or fails with error_on_requires_action', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe, 'pm_card_authenticationRequired');
    const id = String((await refused(stripe.paymentIntents.create(offSession(who)))).payment_intent?.id);
    const strict = stripe.paymentIntents.confirm(id, {
      payment_method: who.method,
      error_on_requires_action: true,
    });
    expect(await refused(strict)).toMatchObject({ code: 'authentication_required' });
    const confirmed = await stripe.paymentIntents.confirm(id, { payment_method: who.method });
    expect(confirmed.status).toBe('requires_action');
  });
});

describe('a payment method', () => {
  it('each attached payment method has a new id and the fingerprint of its card', async () => {
    const { stripe } = await bench();
    const one = await customerWith(stripe);
    const two = await customerWith(stripe);
    const other = await customerWith(stripe, 'pm_card_mastercard');
    expect(new Set([one.method, two.method, 'pm_card_visa']).size).toBe(3);
    const fingerprints = await Promise.all(
      [one, two, other].map(
        async ({ method }) => (await stripe.paymentMethods.retrieve(method)).card?.fingerprint,
      ),
    );
    expect(fingerprints[0]).toMatch(/^\w{16}$/);
    expect(fingerprints[0]).toBe(fingerprints[1]);
    expect(fingerprints[0]).not.toBe(fingerprints[2]);
  });

  it('a payment method of one customer cannot be attached to another customer or pay for one', async () => {
    const { stripe } = await bench();
    const one = await customerWith(stripe);
    const two = await customerWith(stripe);
    expect(await refused(stripe.paymentMethods.attach(one.method, { customer: two.customer }))).toMatchObject(
      {
        statusCode: 400,
      },
    );
    const stolen = offSession({ customer: two.customer, method: one.method });
    expect(await refused(stripe.paymentIntents.create(stolen))).toMatchObject({ statusCode: 400 });
    expect((await stripe.paymentIntents.list()).data).toEqual([]);
    const asDefault = stripe.customers.update(two.customer, {
      invoice_settings: { default_payment_method: one.method },
    });
    expect(await refused(asDefault)).toMatchObject({ code: 'resource_missing' });
  });

  it('a detached payment method is removed from the customer and the defaults and cannot be reused', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe);
    expect((await stripe.paymentMethods.detach(who.method)).customer).toBeNull();
    const customer = await stripe.customers.retrieve(who.customer);
    expect(customer).toMatchObject({ invoice_settings: { default_payment_method: null } });
    expect(await refused(stripe.paymentMethods.attach(who.method, { customer: who.customer }))).toMatchObject(
      {
        statusCode: 400,
      },
    );
    const event = (await stripe.events.list({ type: 'payment_method.detached' })).data[0];
    expect(event?.data.previous_attributes).toEqual({ customer: who.customer });
    expect(event?.data.object).toMatchObject({ id: who.method, customer: null });
  });

  it('a payment method that was used without a customer cannot be used again', async () => {
    const { stripe } = await bench();
    const { id } = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
    const pay = () =>
      stripe.paymentIntents.create({
        amount: 500,
        currency: 'usd',
        payment_method: id,
        confirm: true,
        allowed_payment_method_types: ['card'],
      });
    expect((await pay()).status).toBe('succeeded');
    expect(await refused(pay())).toMatchObject({ statusCode: 400, param: 'payment_method' });
    expect((await stripe.paymentIntents.list()).data).toHaveLength(1);
  });

  it('a payment method is listed only for its own customer', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe);
    await customerWith(stripe);
    const ids = (await stripe.customers.listPaymentMethods(who.customer)).data.map(({ id }) => id);
    expect(ids).toEqual([who.method]);
  });
});

describe('a customer', () => {
  it('a deleted customer is gone for every call except the one that retrieves it', async () => {
    const { stripe, eventTypes } = await bench();
    const who = await customerWith(stripe);
    expect(await stripe.customers.del(who.customer)).toMatchObject({ deleted: true });
    expect(await stripe.customers.retrieve(who.customer)).toMatchObject({ id: who.customer, deleted: true });
    expect(await refused(stripe.paymentIntents.create(offSession(who)))).toMatchObject({
      code: 'resource_missing',
      param: 'customer',
    });
    expect((await eventTypes()).at(-1)).toBe('customer.deleted');
  });

  it('a customer created with a test payment method has it attached and as the default', async () => {
    const { stripe } = await bench();
    const customer = await stripe.customers.create({
      payment_method: 'pm_card_visa',
      invoice_settings: { default_payment_method: 'pm_card_visa' },
    });
    const { default_payment_method: method } = customer.invoice_settings;
    expect(method).toMatch(/^pm_0/);
    expect((await stripe.paymentMethods.retrieve(String(method))).customer).toBe(customer.id);
  });
});
