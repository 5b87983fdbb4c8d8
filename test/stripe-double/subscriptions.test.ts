import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  bench,
  customerWith,
  expandedInvoice,
  latestInvoice,
  monthlyPrice,
  refused,
  subscribe,
} from './support.ts';

const pro = async (card = 'pm_card_visa', amount?: number) => {
  const made = await bench();
  const who = await customerWith(made.stripe, card);
  const price = await monthlyPrice(made.stripe, amount);
  return { ...made, ...who, price: price.id };
};

describe('a subscription that is created', () => {
  it('a new subscription is active, with its first invoice paid, in the same request', async () => {
    const { stripe, customer, price, eventTypes } = await pro();
    const before = (await eventTypes()).length;
    const subscription = await subscribe(stripe, customer, price, {
      metadata: { plan: 'pro' },
      expand: ['latest_invoice.payments.data.payment.payment_intent', 'latest_invoice.confirmation_secret'],
    });
    expect(subscription).toMatchObject({ status: 'active', billing_mode: { type: 'flexible' } });
    const [item] = subscription.items.data;
    const invoice = expandedInvoice(subscription);
    expect(invoice).toMatchObject({
      status: 'paid',
      billing_reason: 'subscription_create',
      total: 59_900,
      amount_paid: 59_900,
      attempt_count: 1,
      parent: { subscription_details: { subscription: subscription.id, metadata: { plan: 'pro' } } },
      payments: {
        data: [{ status: 'paid', payment: { payment_intent: { status: 'succeeded', metadata: {} } } }],
      },
      confirmation_secret: { type: 'payment_intent' },
    });
    expect(invoice.lines.data[0]).toMatchObject({
      amount: 59_900,
      period: { start: item?.current_period_start, end: item?.current_period_end },
      parent: { subscription_item_details: { subscription: subscription.id, proration: false } },
      pricing: { price_details: { price } },
    });
    expect((await eventTypes()).slice(before)).toEqual([
      'customer.subscription.created',
      'invoice.created',
      'payment_intent.created',
      'invoice.finalized',
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice_payment.paid',
      'invoice.paid',
      'invoice.payment_succeeded',
      'customer.updated',
    ]);
  });

  it.each([
    ['pm_card_chargeCustomerFail', 'card_declined'],
    ['pm_card_authenticationRequired', 'authentication_required'],
  ])('a subscription with error_if_incomplete and %s is rejected and not stored', async (card, code) => {
    const { stripe, customer, price, eventTypes } = await pro(card);
    const before = (await eventTypes()).length;
    const error = await refused(subscribe(stripe, customer, price));
    expect(error).toMatchObject({ statusCode: 402, code });
    expect((await stripe.subscriptions.list({ customer, status: 'all' })).data).toEqual([]);
    expect((await stripe.invoices.list({ customer })).data).toEqual([]);
    expect((await eventTypes()).slice(before)).toEqual([
      'payment_intent.created',
      'charge.failed',
      'payment_intent.payment_failed',
      'payment_intent.canceled',
    ]);
  });

  it('a subscription with error_if_incomplete is rejected if the cardholder would be asked', async () => {
    const { stripe, customer, price } = await pro('pm_card_authenticationRequired');
    expect(await refused(subscribe(stripe, customer, price, { off_session: false }))).toMatchObject({
      statusCode: 402,
    });
  });

  it('a subscription with allow_incomplete becomes active with its payment', async () => {
    const { stripe, customer, price } = await pro('pm_card_chargeCustomerFail');
    const subscription = await subscribe(stripe, customer, price, { payment_behavior: 'allow_incomplete' });
    expect(subscription.status).toBe('incomplete');
    const invoiceId = latestInvoice(subscription);
    expect(await stripe.invoices.retrieve(invoiceId)).toMatchObject({ status: 'open', attempt_count: 1 });
    const better = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    await stripe.invoices.pay(invoiceId, { payment_method: better.id });
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
  });

  it('a subscription with default_incomplete is charged when its payment intent is confirmed', async () => {
    const { stripe, customer, method, price } = await pro();
    const subscription = await subscribe(stripe, customer, price, {
      payment_behavior: 'default_incomplete',
      expand: ['latest_invoice.payments'],
    });
    expect(subscription.status).toBe('incomplete');
    expect((await stripe.charges.list()).data).toEqual([]);
    const invoice = expandedInvoice(subscription);
    const intent = String(invoice.payments?.data[0]?.payment.payment_intent);
    expect(await refused(stripe.paymentIntents.cancel(intent))).toMatchObject({ statusCode: 400 });
    await stripe.paymentIntents.confirm(intent, { payment_method: method });
    expect((await stripe.invoices.retrieve(invoice.id)).status).toBe('paid');
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
    const found = await stripe.invoicePayments.list({
      payment: { type: 'payment_intent', payment_intent: intent },
    });
    expect(found.data.map((one) => one.invoice)).toEqual([invoice.id]);
  });

  it('a subscription that stays incomplete expires after 23 hours and cannot be paid afterwards', async () => {
    const { stripe, customer, price, seconds } = await pro('pm_card_chargeCustomerFail');
    const subscription = await subscribe(stripe, customer, price, { payment_behavior: 'allow_incomplete' });
    await seconds(23 * 3_600 - 60);
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('incomplete');
    await seconds(61);
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('incomplete_expired');
    expect((await stripe.invoices.retrieve(latestInvoice(subscription))).status).toBe('void');
  });

  it('a subscription without a card, or with an unknown, one-time or inactive price, is rejected', async () => {
    const { stripe, customer, price } = await pro();
    const bare = await stripe.customers.create();
    expect(await refused(subscribe(stripe, bare.id, price))).toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
    });
    expect(await refused(subscribe(stripe, customer, 'price_x'))).toMatchObject({ param: 'items[0][price]' });
    const once = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 100,
      product_data: { name: 'Once' },
    });
    expect(await refused(subscribe(stripe, customer, once.id))).toMatchObject({ statusCode: 400 });
    await stripe.prices.update(price, { active: false });
    expect(await refused(subscribe(stripe, customer, price))).toMatchObject({ statusCode: 400 });
  });

  it('a subscription to a free price has a paid invoice and no payment', async () => {
    const { stripe, customer, price } = await pro('pm_card_visa', 0);
    const subscription = await subscribe(stripe, customer, price, { expand: ['latest_invoice'] });
    expect(subscription).toMatchObject({ status: 'active', latest_invoice: { status: 'paid', total: 0 } });
    expect((await stripe.paymentIntents.list()).data).toEqual([]);
  });

  it('a subscription is paid from the customer’s balance first', async () => {
    const { stripe, customer, price } = await pro();
    await stripe.customers.update(customer, { balance: -100_000 });
    const subscription = await subscribe(stripe, customer, price, { expand: ['latest_invoice'] });
    expect(subscription.latest_invoice).toMatchObject({ status: 'paid', total: 59_900, amount_due: 0 });
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: -40_100 });
  });
});

describe('lists of subscriptions', () => {
  it('subscriptions are listed by customer, price and status; by default canceled ones are left out', async () => {
    const { stripe, customer, price } = await pro();
    const ended = await subscribe(stripe, customer, price);
    await stripe.subscriptions.cancel(ended.id);
    const active = await subscribe(stripe, customer, price);
    const ids = async (filter: Stripe.SubscriptionListParams) =>
      (await stripe.subscriptions.list({ customer, ...filter })).data.map(({ id }) => id);
    expect(await ids({})).toEqual([active.id]);
    expect(await ids({ status: 'all' })).toEqual([active.id, ended.id]);
    expect(await ids({ status: 'canceled', price })).toEqual([ended.id]);
    expect(await ids({ status: 'all', price: 'price_x' })).toEqual([]);
  });
});

describe('a renewal', () => {
  it('a renewal is a draft for an hour, then finalized and paid without a request', async () => {
    const { stripe, customer, price, seconds, eventTypes, running } = await pro();
    const subscription = await subscribe(stripe, customer, price);
    const [item] = subscription.items.data;
    const first = latestInvoice(subscription);
    await seconds(Number(item?.current_period_end) - running.double.clock.nowSeconds + 1);
    const renewed = await stripe.subscriptions.retrieve(subscription.id, { expand: ['latest_invoice'] });
    const invoice = expandedInvoice(renewed);
    expect(invoice.id).not.toBe(first);
    expect(invoice).toMatchObject({ status: 'draft', billing_reason: 'subscription_cycle' });
    expect(renewed.items.data[0]?.current_period_start).toBe(item?.current_period_end);
    await seconds(3_600);
    const paid = await stripe.invoices.retrieve(invoice.id);
    expect(paid).toMatchObject({ status: 'paid', amount_paid: 59_900 });
    expect(Number(paid.status_transitions.finalized_at) - paid.created).toBe(3_600);
    expect(paid.lines.data[0]?.period.start).toBe(item?.current_period_end);
    expect(paid.period_start).toBe(item?.current_period_start);
    const [event] = (await stripe.events.list({ type: 'invoice.paid' })).data;
    expect(event?.request).toEqual({ id: null, idempotency_key: null });
    expect((await eventTypes()).slice(-7)).toEqual([
      'payment_intent.created',
      'invoice.finalized',
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice_payment.paid',
      'invoice.paid',
      'invoice.payment_succeeded',
    ]);
  });

  it('a renewal comes every month on the day the subscription started, also in shorter months', async () => {
    const { stripe, customer, price, control, running } = await pro();
    await control('clock', { to: Date.UTC(2099, 0, 31) / 1_000 });
    const subscription = await subscribe(stripe, customer, price);
    const ends: string[] = [];
    for (let i = 0; i < 4; i += 1) {
      const { items } = await stripe.subscriptions.retrieve(subscription.id);
      const end = Number(items.data[0]?.current_period_end);
      ends.push(new Date(end * 1_000).toISOString().slice(0, 10));
      await control('clock', { to: end + 7_200 });
    }
    expect(ends).toEqual(['2099-02-28', '2099-03-31', '2099-04-30', '2099-05-31']);
    expect(running.double.state.invoices.newestFirst.every(({ status }) => status === 'paid')).toBe(true);
  });

  it.each([
    ['canceled', 'customer.subscription.deleted'],
    ['unpaid', 'customer.subscription.updated'],
  ] as const)('a renewal that cannot be paid is retried, then ends as %s', async (end, lastEvent) => {
    const { stripe, customer, price, days, control } = await pro();
    await control('dunning', { retryAfterDays: [3, 5], finally: end });
    const subscription = await subscribe(stripe, customer, price);
    const failing = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: failing.id } });
    await days(32);
    const status = async () => (await stripe.subscriptions.retrieve(subscription.id)).status;
    expect(await status()).toBe('past_due');
    await days(9);
    expect(await status()).toBe(end);
    const failures = (await stripe.events.list({ type: 'invoice.payment_failed' })).data.reverse();
    const seen = failures.map(({ data }) => data.object);
    expect(seen).toMatchObject([{ attempt_count: 1 }, { attempt_count: 2 }, { attempt_count: 3 }]);
    expect(seen).toMatchObject([
      { next_payment_attempt: expect.any(Number) },
      { next_payment_attempt: expect.any(Number) },
      { next_payment_attempt: null },
    ]);
    const [last] = (await stripe.events.list({ types: [lastEvent] })).data;
    expect(last?.data.object).toMatchObject({ status: end });
    expect(last?.request?.id).toBeNull();
  });

  it('a past-due subscription is active again when a new card pays it', async () => {
    const { stripe, customer, price, days } = await pro();
    const { id } = await subscribe(stripe, customer, price);
    const failing = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    await stripe.subscriptions.update(id, { default_payment_method: failing.id });
    await days(32);
    const good = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    await stripe.subscriptions.update(id, { default_payment_method: good.id });
    await days(8);
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('active');
  });
});

describe('a cancellation', () => {
  it('cancelling now ends a subscription without a refund, and stores the reason', async () => {
    const { stripe, customer, price } = await pro();
    const { id } = await subscribe(stripe, customer, price);
    const canceled = await stripe.subscriptions.cancel(id);
    expect(canceled).toMatchObject({
      status: 'canceled',
      cancellation_details: { reason: 'cancellation_requested' },
    });
    expect(canceled.ended_at).toBe(canceled.canceled_at);
    expect((await stripe.refunds.list()).data).toEqual([]);
    const [event] = (await stripe.events.list({ type: 'customer.subscription.deleted' })).data;
    expect(event?.request?.id).toMatch(/^req_/);
    expect(await refused(stripe.subscriptions.cancel(id))).toMatchObject({ code: 'resource_missing' });
    expect(await refused(stripe.subscriptions.update(id, { cancel_at_period_end: true }))).toMatchObject({
      statusCode: 400,
    });
  });

  it('cancelling at the end of the period leaves the subscription active until then', async () => {
    const { stripe, customer, price, days } = await pro();
    const { id, items } = await subscribe(stripe, customer, price);
    const updated = await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    expect(updated).toMatchObject({
      status: 'active',
      cancel_at_period_end: true,
      cancel_at: items.data[0]?.current_period_end,
    });
    const [update] = (await stripe.events.list({ type: 'customer.subscription.updated' })).data;
    expect(update?.data.previous_attributes).toMatchObject({ cancel_at_period_end: false, cancel_at: null });
    await days(32);
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({
      status: 'canceled',
      ended_at: items.data[0]?.current_period_end,
    });
    expect((await stripe.invoices.list({ customer })).data).toHaveLength(1);
    const [ended] = (await stripe.events.list({ type: 'customer.subscription.deleted' })).data;
    expect(ended?.request?.id).toBeNull();
  });

  it('a withdrawn cancellation has no effect', async () => {
    const { stripe, customer, price, days } = await pro();
    const { id } = await subscribe(stripe, customer, price);
    await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    await stripe.subscriptions.update(id, { cancel_at_period_end: false });
    await days(32);
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({ status: 'active', cancel_at: null });
  });

  it('a cancellation on a day inside the period happens on that day', async () => {
    const { stripe, customer, price, days, running } = await pro();
    const { id } = await subscribe(stripe, customer, price);
    const at = running.double.clock.nowSeconds + 5 * 86_400;
    await stripe.subscriptions.update(id, { cancel_at: at });
    await days(6);
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({ status: 'canceled', ended_at: at });
  });

  it('deleting the customer cancels the subscription', async () => {
    const { stripe, customer, price, eventTypes } = await pro();
    const { id } = await subscribe(stripe, customer, price);
    await stripe.customers.del(customer);
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
    expect((await eventTypes()).slice(-2)).toEqual(['customer.subscription.deleted', 'customer.deleted']);
  });

  it('a cancellation stops the collection of open invoices', async () => {
    const { stripe, customer, price, days } = await pro();
    const { id } = await subscribe(stripe, customer, price);
    const failing = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    await stripe.subscriptions.update(id, { default_payment_method: failing.id });
    await days(32);
    await stripe.subscriptions.cancel(id);
    const tries = (await stripe.charges.list({ customer })).data.length;
    await days(30);
    expect((await stripe.charges.list({ customer })).data).toHaveLength(tries);
  });
});

describe('a pause', () => {
  it('a trial without a card ends in a pause, which resume ends', async () => {
    const { stripe, price, eventTypes } = await pro();
    const { id: customer } = await stripe.customers.create();
    const subscription = await stripe.subscriptions.create({
      customer,
      items: [{ price }],
      trial_period_days: 7,
      trial_settings: { end_behavior: { missing_payment_method: 'pause' } },
      expand: ['latest_invoice'],
    });
    expect(subscription).toMatchObject({ status: 'trialing', latest_invoice: { total: 0, status: 'paid' } });
    expect((await stripe.subscriptions.update(subscription.id, { trial_end: 'now' })).status).toBe('paused');
    expect((await eventTypes()).at(-1)).toBe('customer.subscription.paused');
    const method = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: method.id } });
    const resumed = await stripe.subscriptions.resume(subscription.id, { expand: ['latest_invoice'] });
    expect(resumed).toMatchObject({ status: 'active', latest_invoice: { status: 'paid', total: 59_900 } });
    expect(await eventTypes()).toContain('customer.subscription.resumed');
  });
});

describe('an invoice', () => {
  it('an invoice of pending items is paid, or fails with the decline', async () => {
    const { stripe, customer } = await pro('pm_card_chargeCustomerFail');
    await stripe.invoiceItems.create({ customer, amount: 2_000, currency: 'usd' });
    const invoice = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' });
    expect(invoice).toMatchObject({ status: 'draft', total: 2_000, billing_reason: 'manual' });
    expect(await refused(stripe.invoices.pay(invoice.id))).toMatchObject({
      code: 'card_declined',
      statusCode: 402,
    });
    const method = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    const paid = await stripe.invoices.pay(invoice.id, { payment_method: method.id });
    expect(paid).toMatchObject({ status: 'paid', attempt_count: 2 });
    expect(await refused(stripe.invoices.pay(invoice.id))).toMatchObject({ code: 'invoice_already_paid' });
    expect((await stripe.invoices.listLineItems(invoice.id)).data).toHaveLength(1);
  });

  it('an invoice paid out of band is paid without a succeeded payment', async () => {
    const { stripe, customer, price, eventTypes } = await pro('pm_card_chargeCustomerFail');
    const subscription = await subscribe(stripe, customer, price, { payment_behavior: 'allow_incomplete' });
    const invoice = await stripe.invoices.pay(latestInvoice(subscription), {
      paid_out_of_band: true,
      expand: ['amount_paid_off_stripe'],
    });
    expect(invoice).toMatchObject({ status: 'paid', amount_paid_off_stripe: 59_900 });
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
    const types = await eventTypes();
    expect(types).toContain('invoice.paid');
    expect(types).not.toContain('invoice.payment_succeeded');
  });

  it('a void invoice cannot be paid, and neither can its payment intent', async () => {
    const { stripe, customer } = await pro();
    await stripe.invoiceItems.create({ customer, amount: 2_000, currency: 'usd' });
    const { id } = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' });
    await stripe.invoices.finalizeInvoice(id);
    expect((await stripe.invoices.voidInvoice(id)).status).toBe('void');
    expect(await refused(stripe.invoices.pay(id))).toMatchObject({ statusCode: 400 });
    expect((await stripe.paymentIntents.list()).data[0]?.status).toBe('canceled');
  });
});
