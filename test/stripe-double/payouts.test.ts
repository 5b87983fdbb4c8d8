import { describe, expect, it } from 'vitest';
import { bench, customerWith, offSession, refused } from './support.ts';

const FEE = 114;
const NET = 2_900 - FEE;

/** A stand-in with this many payments of $29.00. Its clock stands on their day. */
async function paid(payments: number, card = 'pm_card_visa') {
  const made = await bench();
  const who = await customerWith(made.stripe, card);
  for (let n = 0; n < payments; n++) await made.stripe.paymentIntents.create(offSession(who));
  const available = async () => (await made.stripe.balance.retrieve()).available[0]?.amount;
  return { ...made, available };
}

const byHand = { amount: 1_000, currency: 'usd' } as const;

describe('a payout by hand', () => {
  it('a manual payout takes available money at once, is in transit the next day, and arrives a day later', async () => {
    const { stripe, days, available, eventTypes } = await paid(1);
    await days(3);
    const payout = await stripe.payouts.create(byHand);
    expect(payout).toMatchObject({
      status: 'pending',
      automatic: false,
      reconciliation_status: 'not_applicable',
    });
    expect(await available()).toBe(NET - 1_000);
    const [own] = (await stripe.balanceTransactions.list({ type: 'payout' })).data;
    expect(own).toMatchObject({
      amount: -1_000,
      net: -1_000,
      reporting_category: 'payout',
      source: payout.id,
    });
    await days(1);
    expect((await stripe.payouts.retrieve(payout.id)).status).toBe('in_transit');
    await days(1);
    expect((await stripe.payouts.list({ status: 'paid' })).data.map(({ id }) => id)).toEqual([payout.id]);
    expect((await eventTypes()).filter((type) => type.startsWith('payout'))).toEqual([
      'payout.created',
      'payout.updated',
      'payout.paid',
    ]);
  });

  it('a manual payout above the available balance is rejected; money takes two days to become available', async () => {
    const { stripe } = await paid(1);
    expect(await refused(stripe.payouts.create(byHand))).toMatchObject({ code: 'balance_insufficient' });
    const quick = await paid(1, 'pm_card_bypassPending');
    expect(await quick.available()).toBe(NET);
    expect(await quick.stripe.payouts.create(byHand)).toMatchObject({ amount: 1_000 });
    expect(await quick.eventTypes()).toContain('balance.available');
  });

  it('a pending manual payout can be canceled, and its money returns', async () => {
    const { stripe, days, available } = await paid(1);
    await days(3);
    const { id } = await stripe.payouts.create(byHand);
    expect(await stripe.payouts.cancel(id)).toMatchObject({ status: 'canceled' });
    expect(await available()).toBe(NET);
    await refused(stripe.payouts.cancel(id));
  });

  it('a manual payout does not list the transactions it paid out', async () => {
    const { stripe, days } = await paid(1);
    await days(3);
    const { id } = await stripe.payouts.create(byHand);
    const error = await refused(stripe.balanceTransactions.list({ payout: id }));
    expect(error.message).toMatch(/only be filtered on automatic/);
  });
});

describe('an automatic payout', () => {
  it('an automatic payout pays the whole available balance and lists its transactions once matched', async () => {
    const { stripe, days, control, available } = await paid(2);
    await days(3);
    const id = String((await control('payouts'))['id']);
    expect(await available()).toBe(0);
    const listed = async () => (await stripe.balanceTransactions.list({ payout: id })).data;
    expect(await listed()).toEqual([]);
    await days(1);
    expect(await stripe.payouts.retrieve(id)).toMatchObject({
      automatic: true,
      amount: 2 * NET,
      reconciliation_status: 'completed',
    });
    expect((await listed()).map(({ type, net }) => [type, net])).toEqual([
      ['payout', -2 * NET],
      ['charge', NET],
      ['charge', NET],
    ]);
    await expect(control('payouts')).rejects.toThrow(/available balance is zero/);
  });

  it('an automatic payout fails if the bank returns it, and the next payout includes its money', async () => {
    const { stripe, days, control, available } = await paid(1);
    await days(3);
    const id = String((await control('payouts'))['id']);
    await days(2);
    expect((await stripe.payouts.retrieve(id)).status).toBe('paid');
    await control(`payouts/${id}/fail`, { code: 'no_account' });
    const failed = await stripe.payouts.retrieve(id, { expand: ['failure_balance_transaction'] });
    expect(failed).toMatchObject({
      status: 'failed',
      failure_code: 'no_account',
      failure_balance_transaction: { amount: NET, reporting_category: 'payout_reversal' },
    });
    expect(await available()).toBe(NET);
    expect(await control('payouts')).toMatchObject({ amount: NET });
  });
});
