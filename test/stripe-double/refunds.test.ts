import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { bench, customerWith, offSession, refused } from './support.ts';

async function paid(card = 'pm_card_visa') {
  const made = await bench();
  const who = await customerWith(made.stripe, card);
  const intent = await made.stripe.paymentIntents.create(offSession(who));
  const charge = String(intent.latest_charge);
  const chargeNow = () => made.stripe.charges.retrieve(charge);
  return { ...made, intent: intent.id, charge, chargeNow };
}

const movements = async (stripe: Stripe, params: Stripe.BalanceTransactionListParams = {}) =>
  (await stripe.balanceTransactions.list(params)).data.map((one) => [
    one.reporting_category,
    one.type,
    one.amount,
    one.fee,
    one.net,
  ]);

describe('a refund', () => {
  it('partial refunds add up on the charge, and no more than the charge can be refunded', async () => {
    const { stripe, charge, chargeNow } = await paid();
    await stripe.refunds.create({ charge, amount: 900 });
    expect(await chargeNow()).toMatchObject({ amount_refunded: 900, refunded: false });
    expect(await refused(stripe.refunds.create({ charge, amount: 2_001 }))).toMatchObject({
      param: 'amount',
    });
    await stripe.refunds.create({ charge });
    expect(await chargeNow()).toMatchObject({ amount_refunded: 2_900, refunded: true });
    expect(await refused(stripe.refunds.create({ charge }))).toMatchObject({
      code: 'charge_already_refunded',
    });
  });

  it.each(['succeeded', 'failed', 'canceled'])('a control makes a pending refund %s', async (status) => {
    const { stripe, control, charge, chargeNow, eventTypes } = await paid();
    await control('refunds/mode', { mode: 'pending' });
    const refund = await stripe.refunds.create({ charge, amount: 900 });
    expect(refund.status).toBe('pending');
    expect((await chargeNow()).amount_refunded).toBe(900);
    await control(`refunds/${refund.id}/answer`, { status });
    expect((await stripe.refunds.retrieve(refund.id)).status).toBe(status);
    expect((await chargeNow()).amount_refunded).toBe(status === 'succeeded' ? 900 : 0);
    const types = await eventTypes();
    expect(types).toEqual(expect.arrayContaining(['refund.created', 'charge.refunded', 'refund.updated']));
    expect(types.includes('refund.failed')).toBe(status === 'failed');
  });

  it('a succeeded refund can fail days later, and then the money is back in the balance', async () => {
    const { stripe, control, days, charge, chargeNow } = await paid();
    const refund = await stripe.refunds.create({ charge });
    await days(5);
    await control(`refunds/${refund.id}/answer`, { status: 'failed', reason: 'lost_or_stolen_card' });
    const failed = await stripe.refunds.retrieve(refund.id, { expand: ['failure_balance_transaction'] });
    expect(failed).toMatchObject({
      status: 'failed',
      failure_reason: 'lost_or_stolen_card',
      failure_balance_transaction: { amount: 2_900, reporting_category: 'refund_failure' },
    });
    expect(await chargeNow()).toMatchObject({ amount_refunded: 0, refunded: false });
    expect((await stripe.refunds.create({ charge })).status).toBe('succeeded');
  });

  it('a failed or canceled refund is final', async () => {
    const { stripe, control, charge } = await paid();
    const refund = await stripe.refunds.create({ charge });
    await control(`refunds/${refund.id}/answer`, { status: 'failed' });
    await expect(control(`refunds/${refund.id}/answer`, { status: 'succeeded' })).rejects.toThrow(/failed/);
    await expect(control(`refunds/${refund.id}/answer`, { status: 'failed' })).rejects.toThrow(/failed/);
  });

  it('a merchant cannot cancel a card refund', async () => {
    const { stripe, charge } = await paid();
    const refund = await stripe.refunds.create({ charge });
    expect(await refused(stripe.refunds.cancel(refund.id))).toMatchObject({ statusCode: 400 });
  });

  it('a pending refund that a control completed does not complete again later', async () => {
    const { stripe, control, seconds, charge } = await paid('pm_card_pendingRefund');
    const refund = await stripe.refunds.create({ charge });
    await control(`refunds/${refund.id}/answer`, { status: 'failed' });
    await seconds(120);
    expect((await stripe.refunds.retrieve(refund.id)).status).toBe('failed');
  });
});

describe('the balance', () => {
  it('the balance has a transaction for every movement, with net = amount - fee', async () => {
    const { stripe, control, charge, days } = await paid();
    await stripe.refunds.create({ charge, amount: 900 });
    const { id: refund } = await stripe.refunds.create({ charge, amount: 500 });
    await control(`refunds/${refund}/answer`, { status: 'failed' });
    const { id: dispute } = await control(`charges/${charge}/dispute`, { amount: 2_000 });
    await control(`disputes/${dispute}/close`, { status: 'won' });
    expect(await movements(stripe)).toEqual([
      ['dispute_reversal', 'adjustment', 2_000, 0, 2_000],
      ['dispute', 'adjustment', -2_000, 1_500, -3_500],
      ['refund_failure', 'adjustment', 500, 0, 500],
      ['refund', 'refund', -500, 0, -500],
      ['refund', 'refund', -900, 0, -900],
      ['charge', 'charge', 2_900, 114, 2_786],
    ]);
    const net = 2_000 - 3_500 + 500 - 500 - 900 + 2_786;
    expect(await stripe.balance.retrieve()).toMatchObject({
      pending: [{ amount: net, currency: 'usd' }],
      available: [{ amount: 0 }],
    });
    await days(2);
    expect((await stripe.balance.retrieve()).available).toMatchObject([{ amount: net }]);
  });

  it('balance transactions can be listed by source, type and time', async () => {
    const { stripe, charge, days } = await paid();
    await days(1);
    const refund = await stripe.refunds.create({ charge });
    expect(await movements(stripe, { source: charge })).toHaveLength(1);
    expect(await movements(stripe, { type: 'refund' })).toHaveLength(1);
    expect(await movements(stripe, { created: { gte: refund.created } })).toHaveLength(1);
  });

  it('charges and refunds name their balance transactions and can expand them', async () => {
    const { stripe, charge } = await paid();
    const expanded = await stripe.charges.retrieve(charge, { expand: ['balance_transaction'] });
    expect(expanded.balance_transaction).toMatchObject({ source: charge, net: 2_786 });
    const refund = await stripe.refunds.create({ charge, expand: ['balance_transaction'] });
    expect(refund.balance_transaction).toMatchObject({ source: refund.id, amount: -2_900 });
    const id = expanded.balance_transaction;
    const retrieved = await stripe.balanceTransactions.retrieve(typeof id === 'string' ? id : (id?.id ?? ''));
    expect(retrieved.source).toBe(charge);
  });
});
