import { describe, expect, it } from 'vitest';
import { type Bench, bench, customerWith, monthlyPrice, offSession, refused, subscribe } from './support.ts';

const setupOf = async ({ stripe }: Bench, card: string, more: object = {}) => {
  const { id: customer } = await stripe.customers.create();
  const setup = stripe.setupIntents.create({
    customer,
    payment_method: card,
    confirm: true,
    usage: 'off_session',
    allowed_payment_method_types: ['card'],
    ...more,
  });
  return { customer, setup };
};

describe('a setup intent', () => {
  it('a confirmed setup intent attaches the card and does not make it the default', async () => {
    const made = await bench();
    const { customer, setup } = await setupOf(made, 'pm_card_visa');
    const intent = await setup;
    expect(intent).toMatchObject({ status: 'succeeded', usage: 'off_session', customer });
    const cards = await made.stripe.customers.listPaymentMethods(customer);
    expect(cards.data.map(({ id }) => id)).toEqual([intent.payment_method]);
    expect(await made.stripe.customers.retrieve(customer)).toMatchObject({
      invoice_settings: { default_payment_method: null },
    });
    expect(await made.eventTypes()).toEqual([
      'customer.created',
      'setup_intent.created',
      'payment_method.attached',
      'setup_intent.succeeded',
    ]);
  });

  it('a setup intent asks the cardholder, and the card can then be charged off-session', async () => {
    const made = await bench();
    const { customer, setup } = await setupOf(made, 'pm_card_authenticationRequiredOnSetup');
    const intent = await setup;
    expect(intent).toMatchObject({ status: 'requires_action', next_action: { type: 'use_stripe_sdk' } });
    await made.control(`setup_intents/${intent.id}/authenticate`, { succeeds: true });
    const { payment_method: method } = await made.stripe.setupIntents.retrieve(intent.id);
    const charged = await made.stripe.paymentIntents.create(offSession({ customer, method: String(method) }));
    expect(charged.status).toBe('succeeded');
  });

  it('a setup intent whose authentication fails accepts another card', async () => {
    const made = await bench();
    const { setup } = await setupOf(made, 'pm_card_authenticationRequired');
    const { id } = await setup;
    await made.control(`setup_intents/${id}/authenticate`, { succeeds: false });
    const failed = await made.stripe.setupIntents.retrieve(id);
    expect(failed).toMatchObject({
      status: 'requires_payment_method',
      last_setup_error: { code: 'setup_intent_authentication_failure' },
    });
    const confirmed = await made.stripe.setupIntents.confirm(id, { payment_method: 'pm_card_visa' });
    expect(confirmed.status).toBe('succeeded');
    expect(await made.eventTypes()).toContain('setup_intent.setup_failed');
  });

  it('a setup intent with a declining card returns 402 and keeps the error', async () => {
    const made = await bench();
    const { setup } = await setupOf(made, 'pm_card_visa_chargeDeclinedLostCard');
    expect(await refused(setup)).toMatchObject({ statusCode: 402, decline_code: 'lost_card' });
    const [intent] = (await made.stripe.setupIntents.list()).data;
    expect(intent?.last_setup_error?.decline_code).toBe('lost_card');
  });

  it('a setup intent can be canceled until it succeeds', async () => {
    const made = await bench();
    const { id } = await made.stripe.setupIntents.create({ allowed_payment_method_types: ['card'] });
    expect((await made.stripe.setupIntents.cancel(id)).status).toBe('canceled');
    expect(await refused(made.stripe.setupIntents.confirm(id))).toMatchObject({
      code: 'setup_intent_unexpected_state',
    });
    const { setup } = await setupOf(made, 'pm_card_visa');
    await refused(made.stripe.setupIntents.cancel((await setup).id));
  });

  it('a setup intent sends a browser to a page of the double if the switch is set to that', async () => {
    const made = await bench();
    await made.control('switches', { next_action_with_return_url: 'redirect_to_url' });
    const { setup } = await setupOf(made, 'pm_card_authenticationRequired', {
      return_url: 'https://app.example/back',
    });
    const intent = await setup;
    expect(intent.next_action?.redirect_to_url?.url).toBe(`${made.running.url}/authenticate/${intent.id}`);
  });
});

async function session(made: Bench, switches: Record<string, string> = {}) {
  await made.control('switches', switches);
  const { id: customer } = await made.stripe.customers.create({ email: 'ada@customer.example' });
  const created = await made.stripe.checkout.sessions.create({
    mode: 'setup',
    customer,
    allowed_payment_method_types: ['card'],
    success_url: 'https://app.example/done?s={CHECKOUT_SESSION_ID}',
    cancel_url: 'https://app.example/cancel',
    client_reference_id: 'ref-1',
    metadata: { a: '1' },
    setup_intent_data: { metadata: { b: '2' } },
  });
  const now = () => made.stripe.checkout.sessions.retrieve(created.id, { expand: ['setup_intent'] });
  return { customer, created, now };
}

describe('a Checkout Session in setup mode', () => {
  it('an open Checkout Session has a page, and its metadata is separate from its setup intent’s', async () => {
    const made = await bench();
    const { created, now } = await session(made);
    expect(created).toMatchObject({ status: 'open', mode: 'setup', payment_status: 'no_payment_required' });
    expect(created.url).toBe(`${made.running.url}/checkout/${created.id}`);
    expect(created.success_url).toBe(`https://app.example/done?s=${created.id}`);
    const { setup_intent: setup } = await now();
    expect(setup).toMatchObject({ metadata: { b: '2' }, status: 'requires_payment_method' });
  });

  it('entering a card completes a Checkout Session; the card is attached and not the default', async () => {
    const made = await bench();
    const { customer, created, now } = await session(made);
    await made.control(`checkout_sessions/${created.id}/enter_card`, { card: 'visa', name: 'Ada' });
    const done = await now();
    expect(done).toMatchObject({ status: 'complete', url: null, setup_intent: { status: 'succeeded' } });
    expect(done.customer_details).toMatchObject({ name: 'Ada', address: null });
    expect((await made.stripe.customers.listPaymentMethods(customer)).data).toHaveLength(1);
    expect(await made.stripe.customers.retrieve(customer)).toMatchObject({
      invoice_settings: { default_payment_method: null },
    });
    expect((await made.eventTypes()).slice(-3)).toEqual([
      'payment_method.attached',
      'setup_intent.succeeded',
      'checkout.session.completed',
    ]);
    await expect(made.control(`checkout_sessions/${created.id}/enter_card`)).rejects.toThrow(/complete/);
  });

  it('a Checkout Session stays open while the bank asks, and after a declined card', async () => {
    const made = await bench();
    const { created, now } = await session(made);
    const path = `checkout_sessions/${created.id}`;
    await expect(made.control(`${path}/enter_card`, { card: 'visa_chargeDeclined' })).rejects.toThrow(
      /declined/,
    );
    expect((await now()).status).toBe('open');
    await made.control(`${path}/enter_card`, { card: 'authenticationRequired' });
    expect((await now()).status).toBe('open');
    await made.control(`${path}/authenticate`, { succeeds: true });
    expect((await now()).status).toBe('complete');
  });

  it('a Checkout Session expires by a call or after its time', async () => {
    const made = await bench();
    const first = await session(made);
    expect(await made.stripe.checkout.sessions.expire(first.created.id)).toMatchObject({
      status: 'expired',
      url: null,
    });
    expect(await refused(made.stripe.checkout.sessions.expire(first.created.id))).toMatchObject({
      statusCode: 400,
    });
    const second = await session(made);
    await made.days(1);
    expect((await second.now()).status).toBe('expired');
    const list = await made.stripe.checkout.sessions.list({ customer: second.customer });
    expect(list.data.map(({ status }) => status)).toEqual(['expired']);
    expect((await made.eventTypes()).filter((type) => type === 'checkout.session.expired')).toHaveLength(2);
  });

  it('the setup intent of a Checkout Session cannot be confirmed or canceled directly', async () => {
    const made = await bench();
    const { created } = await session(made);
    const setup = String(created.setup_intent);
    await refused(made.stripe.setupIntents.confirm(setup, { payment_method: 'pm_card_visa' }));
    await refused(made.stripe.setupIntents.cancel(setup));
  });

  it('setup_session_payment_status: a Checkout Session has the chosen payment status', async () => {
    const made = await bench();
    const { created } = await session(made, { setup_session_payment_status: 'unpaid' });
    expect(created.payment_status).toBe('unpaid');
  });
});

async function portal(made: Bench) {
  const who = await customerWith(made.stripe);
  const price = await monthlyPrice(made.stripe);
  const own = { default_payment_method: who.method };
  const { id: subscription } = await subscribe(made.stripe, who.customer, price.id, own);
  const opened = await made.stripe.billingPortal.sessions.create({
    customer: who.customer,
    return_url: 'https://app.example/account',
  });
  const act = (action: object) => made.control(`portal_sessions/${opened.id}/act`, action);
  return { ...who, subscription, opened, act };
}

describe('a portal session', () => {
  it('a portal session has a page of the double', async () => {
    const made = await bench();
    const { opened } = await portal(made);
    expect(opened.url).toBe(`${made.running.url}/portal/${opened.id}`);
    expect((await made.stripe.billingPortal.configurations.list()).data[0]?.id).toBe(opened.configuration);
  });

  it.each([
    ['kept', 'the old card'],
    ['replaced', 'the new card'],
    ['cleared', 'none'],
  ])('a card added in the portal becomes the default; portal_card_on_subscription: %s', async (value) => {
    const made = await bench();
    await made.control('switches', { portal_card_on_subscription: value });
    const { customer, method, subscription, act } = await portal(made);
    await act({ action: 'add_card', card: 'mastercard' });
    const [added] = (await made.stripe.customers.listPaymentMethods(customer)).data;
    expect(await made.stripe.customers.retrieve(customer)).toMatchObject({
      invoice_settings: { default_payment_method: added?.id },
    });
    const expected = { kept: method, replaced: added?.id, cleared: null }[value];
    const now = await made.stripe.subscriptions.retrieve(subscription);
    expect(now.default_payment_method).toBe(expected);
  });

  it('cancelling at the end of the period in the portal sets cancel_at and not the flag', async () => {
    const made = await bench();
    const { subscription, act } = await portal(made);
    await act({ action: 'cancel_at_period_end', subscription });
    const ending = await made.stripe.subscriptions.retrieve(subscription);
    expect(ending.cancel_at_period_end).toBe(false);
    expect(ending.cancel_at).toBe(ending.items.data[0]?.current_period_end);
    await act({ action: 'keep', subscription });
    expect((await made.stripe.subscriptions.retrieve(subscription)).cancel_at).toBeNull();
    await act({ action: 'cancel_at_period_end', subscription });
    await made.days(32);
    expect((await made.stripe.subscriptions.retrieve(subscription)).status).toBe('canceled');
  });

  it('the portal removes a card, changes the e-mail, cancels now, and changes no other customer', async () => {
    const made = await bench();
    const { customer, method, subscription, act } = await portal(made);
    const other = await customerWith(made.stripe);
    await expect(act({ action: 'choose_card', payment_method: other.method })).rejects.toThrow(/another/);
    await act({ action: 'remove_card', payment_method: method });
    await act({ action: 'update_customer', email: 'new@customer.example' });
    await act({ action: 'cancel_now', subscription });
    expect(await made.stripe.customers.retrieve(customer)).toMatchObject({
      email: 'new@customer.example',
      invoice_settings: { default_payment_method: null },
    });
    expect((await made.stripe.subscriptions.retrieve(subscription)).status).toBe('canceled');
  });
});
