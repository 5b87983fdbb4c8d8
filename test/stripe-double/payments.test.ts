import { describe, expect, it } from 'vitest';
import { bench, customerWith, offSession, refused } from './support.ts';

describe('a payment intent', () => {
  it('an off-session payment intent succeeds, and its charge has its metadata', async () => {
    const { stripe, eventTypes } = await bench();
    const who = await customerWith(stripe);
    const intent = await stripe.paymentIntents.create({ ...offSession(who), metadata: { order: '7' } });
    expect(intent).toMatchObject({
      status: 'succeeded',
      amount_received: 2_900,
      allowed_payment_method_types: ['card'],
    });
    await stripe.paymentIntents.update(intent.id, { metadata: { order: '8' } });
    const charge = await stripe.charges.retrieve(String(intent.latest_charge));
    expect(charge).toMatchObject({
      amount: 2_900,
      paid: true,
      metadata: { order: '7' },
      payment_intent: intent.id,
    });
    expect((await eventTypes()).slice(-3)).toEqual([
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.succeeded',
    ]);
  });

  it('a payment intent that may redirect needs a return_url', async () => {
    const { stripe } = await bench();
    const { allowed_payment_method_types: _, ...bare } = offSession(await customerWith(stripe));
    expect(await refused(stripe.paymentIntents.create(bare))).toMatchObject({ param: 'return_url' });
    const never = { enabled: true, allow_redirects: 'never' } as const;
    const intent = await stripe.paymentIntents.create({ ...bare, automatic_payment_methods: never });
    expect(intent.status).toBe('succeeded');
  });

  it.each([
    ['below the minimum', { amount: 49 }, 'amount_too_small'],
    ['of zero', { amount: 0 }, 'parameter_invalid_integer'],
    ['above the maximum', { amount: 100_000_000 }, 'amount_too_large'],
  ])('a payment intent with an amount %s is rejected', async (_, change, code) => {
    const { stripe } = await bench();
    const params = { ...offSession(await customerWith(stripe)), ...change };
    expect(await refused(stripe.paymentIntents.create(params))).toMatchObject({ statusCode: 400, code });
  });

  it('off_session needs confirm, and the two settings for payment method types exclude each other', async () => {
    const { stripe } = await bench();
    const params = offSession(await customerWith(stripe));
    expect(await refused(stripe.paymentIntents.create({ ...params, confirm: false }))).toMatchObject({
      param: 'off_session',
    });
    const both = { ...params, automatic_payment_methods: { enabled: true } };
    expect(await refused(stripe.paymentIntents.create(both))).toMatchObject({
      param: 'allowed_payment_method_types',
    });
  });

  it('a declined payment intent can be paid with another payment method', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe, 'pm_card_chargeCustomerFail');
    const id = String((await refused(stripe.paymentIntents.create(offSession(who)))).payment_intent?.id);
    expect(await refused(stripe.paymentIntents.confirm(id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
    const better = await stripe.paymentMethods.attach('pm_card_visa', { customer: who.customer });
    const paid = await stripe.paymentIntents.confirm(id, { payment_method: better.id, off_session: true });
    expect(paid).toMatchObject({ status: 'succeeded', last_payment_error: null });
    expect((await stripe.charges.list({ payment_intent: id })).data.map(({ status }) => status)).toEqual([
      'succeeded',
      'failed',
    ]);
  });

  it('a canceled payment intent cannot be paid, and a paid one cannot be canceled', async () => {
    const { stripe, control } = await bench();
    const who = await customerWith(stripe, 'pm_card_authenticationRequired');
    const id = String((await refused(stripe.paymentIntents.create(offSession(who)))).payment_intent?.id);
    const canceled = await stripe.paymentIntents.cancel(id, { cancellation_reason: 'abandoned' });
    expect(canceled).toMatchObject({ status: 'canceled', cancellation_reason: 'abandoned' });
    expect(await refused(stripe.paymentIntents.confirm(id, { payment_method: who.method }))).toMatchObject({
      code: 'payment_intent_unexpected_state',
      payment_intent: { id, status: 'canceled' },
    });
    await expect(control(`payment_intents/${id}/authenticate`, { succeeds: true })).rejects.toThrow(
      'canceled',
    );
    const paid = await stripe.paymentIntents.create(offSession(await customerWith(stripe)));
    expect(await refused(stripe.paymentIntents.cancel(paid.id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
  });
});

describe('a refund', () => {
  const paid = async (card = 'pm_card_visa') => {
    const made = await bench();
    const who = await customerWith(made.stripe, card);
    const { id, latest_charge } = await made.stripe.paymentIntents.create(offSession(who));
    return { ...made, intent: id, charge: String(latest_charge) };
  };

  it('a full refund returns the whole charge, and cannot be repeated', async () => {
    const { stripe, intent, charge, eventTypes } = await paid();
    const refund = await stripe.refunds.create({ payment_intent: intent });
    expect(refund).toMatchObject({ amount: 2_900, status: 'succeeded', charge, payment_intent: intent });
    expect(await stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 2_900, refunded: true });
    expect(await refused(stripe.refunds.create({ charge }))).toMatchObject({
      code: 'charge_already_refunded',
    });
    expect((await eventTypes()).slice(-2)).toEqual(['refund.created', 'charge.refunded']);
  });

  it('partial refunds add up, and never exceed the charge', async () => {
    const { stripe, charge } = await paid();
    for (const _ of [1, 2]) await stripe.refunds.create({ charge, amount: 1_000 });
    expect(await stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 2_000, refunded: false });
    expect(await refused(stripe.refunds.create({ charge, amount: 901 }))).toMatchObject({ param: 'amount' });
    await stripe.refunds.create({ charge, amount: 900 });
    expect((await stripe.charges.retrieve(charge)).refunded).toBe(true);
    const events = (await stripe.events.list({ type: 'charge.refunded' })).data;
    expect(events.map(({ data }) => data.previous_attributes)).toEqual([
      { amount_refunded: 2_000, refunded: false },
      { amount_refunded: 1_000 },
      { amount_refunded: 0 },
    ]);
  });

  it('a refund of pm_card_pendingRefund succeeds later', async () => {
    const { stripe, charge, seconds, eventTypes } = await paid('pm_card_pendingRefund');
    const { id, status } = await stripe.refunds.create({ charge });
    expect(status).toBe('pending');
    await seconds(61);
    expect((await stripe.refunds.retrieve(id)).status).toBe('succeeded');
    expect((await eventTypes()).slice(-2)).toEqual(['refund.updated', 'charge.refund.updated']);
  });

  it('a refund of pm_card_refundFail fails later, and the money returns to our balance', async () => {
    const { stripe, charge, seconds, eventTypes } = await paid('pm_card_refundFail');
    const { id, status } = await stripe.refunds.create({ charge });
    expect(status).toBe('succeeded');
    await seconds(61);
    expect(await stripe.refunds.retrieve(id)).toMatchObject({
      status: 'failed',
      failure_reason: expect.any(String),
    });
    expect(await stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 0, refunded: false });
    expect(await eventTypes()).toContain('refund.failed');
  });

  it('a charge that failed cannot be refunded', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe, 'pm_card_chargeCustomerFail');
    const error = await refused(stripe.paymentIntents.create(offSession(who)));
    expect(await refused(stripe.refunds.create({ charge: String(error.charge) }))).toMatchObject({
      statusCode: 400,
    });
    expect(
      await refused(stripe.refunds.create({ payment_intent: String(error.payment_intent?.id) })),
    ).toMatchObject({
      statusCode: 400,
    });
    expect(await refused(stripe.refunds.create({}))).toMatchObject({ code: 'parameter_missing' });
  });
});

describe('a dispute', () => {
  it('pm_card_createDispute opens a dispute, and the disputed charge cannot be refunded', async () => {
    const { stripe, eventTypes } = await bench();
    const intent = await stripe.paymentIntents.create(
      offSession(await customerWith(stripe, 'pm_card_createDispute')),
    );
    const charge = String(intent.latest_charge);
    const [dispute] = (await stripe.disputes.list({ payment_intent: intent.id })).data;
    expect(dispute).toMatchObject({ status: 'needs_response', amount: 2_900, charge, reason: 'fraudulent' });
    expect((await stripe.charges.retrieve(charge)).disputed).toBe(true);
    expect(await refused(stripe.refunds.create({ charge }))).toMatchObject({ code: 'charge_disputed' });
    expect(await eventTypes()).toContain('charge.dispute.created');
  });

  it.each([
    ['won', ['charge.dispute.closed', 'charge.dispute.funds_reinstated']],
    ['lost', ['charge.dispute.closed']],
  ])('a control can make a dispute %s, once', async (status, events) => {
    const { stripe, control, eventTypes } = await bench();
    await stripe.paymentIntents.create(offSession(await customerWith(stripe, 'pm_card_createDispute')));
    const id = String((await stripe.disputes.list()).data[0]?.id);
    await control(`disputes/${id}/close`, { status });
    expect((await stripe.disputes.retrieve(id)).status).toBe(status);
    expect((await eventTypes()).slice(-events.length)).toEqual(events);
    await expect(control(`disputes/${id}/close`, { status })).rejects.toThrow('already closed');
  });

  it('a control can dispute any charge, and the evidence decides the dispute', async () => {
    const { stripe, control } = await bench();
    const intent = await stripe.paymentIntents.create(offSession(await customerWith(stripe)));
    const dispute = await control(`charges/${intent.latest_charge}/dispute`);
    const id = String(dispute['id']);
    const won = await stripe.disputes.update(id, { evidence: { uncategorized_text: 'winning_evidence' } });
    expect(won).toMatchObject({
      status: 'won',
      evidence_details: { has_evidence: true, submission_count: 1 },
    });
  });

  it('closing a dispute loses it, and closing an inquiry closes it', async () => {
    const { stripe } = await bench();
    for (const [card, status] of [
      ['pm_card_createDispute', 'lost'],
      ['pm_card_createDisputeInquiry', 'warning_closed'],
    ] as const) {
      const { id } = await stripe.paymentIntents.create(offSession(await customerWith(stripe, card)));
      const [dispute] = (await stripe.disputes.list({ payment_intent: id })).data;
      expect((await stripe.disputes.close(String(dispute?.id))).status).toBe(status);
    }
  });
});

describe('products and prices', () => {
  it('a price is found by its lookup key, which only one price can have at a time', async () => {
    const { stripe } = await bench();
    const product = await stripe.products.create({ name: 'Pro' });
    const params = {
      currency: 'usd',
      product: product.id,
      recurring: { interval: 'month' },
      lookup_key: 'pro',
    } as const;
    const first = await stripe.prices.create({ ...params, unit_amount: 59_900 });
    expect(first.unit_amount_decimal?.toString()).toBe('59900');
    expect(await refused(stripe.prices.create({ ...params, unit_amount: 1 }))).toMatchObject({
      param: 'lookup_key',
    });
    const second = await stripe.prices.create({ ...params, unit_amount: 69_900, transfer_lookup_key: true });
    const found = await stripe.prices.list({ lookup_keys: ['pro'], active: true });
    expect(found.data.map(({ id }) => id)).toEqual([second.id]);
    expect((await stripe.prices.retrieve(first.id)).lookup_key).toBeNull();
  });

  it('a product with a price cannot be deleted; a product without one can', async () => {
    const { stripe } = await bench();
    const kept = await stripe.products.create({ id: 'prod_pro', name: 'Pro' });
    await stripe.prices.create({ currency: 'usd', unit_amount: 100, product: kept.id });
    expect(await refused(stripe.products.del(kept.id))).toMatchObject({ statusCode: 400 });
    expect(await refused(stripe.products.create({ id: 'prod_pro', name: 'Pro' }))).toMatchObject({
      code: 'resource_already_exists',
    });
    const { id } = await stripe.products.create({ name: 'Other' });
    expect(await stripe.products.del(id)).toMatchObject({ deleted: true });
  });
});
