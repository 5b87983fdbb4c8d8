import { beforeAll, describe, expect, it } from 'vitest';
import { api, call, fixBody, type SignedUp, signUp } from '../support/http.ts';
import { addCard, bill as billId, leaveCredits, recorded, serveMoney } from '../support/http-money.ts';
import type { Money } from '../support/money.ts';

/* The spending limit, the exposure and `merge_cost` over HTTP. */

let money: Money;
beforeAll(async () => {
  const served = await serveMoney();
  money = served.money;
  return served.stop;
});

const limitOf = (apiKey: string) => call(api.getSpendingLimit, { apiKey });
const setLimit = (apiKey: string, monthly_cents: unknown) =>
  call(api.changeSpendingLimit, { apiKey, body: { monthly_cents } });
const exposureOf = async (apiKey: string) => (await call(api.getExposure, { apiKey })).body;
const record = (apiKey: string, prNumber: number) =>
  call(api.recordFixAttempt, { apiKey, body: fixBody(prNumber) });

const bill = async (apiKey: string, pr: number) => billId(apiKey, await recorded(apiKey, pr));

/** A customer with a card and without credits. */
async function payer(): Promise<SignedUp> {
  const customer = await signUp();
  await addCard(customer.apiKey, await money.newCard());
  await leaveCredits(money, customer.customerId, 0);
  return customer;
}

describe('the spending limit', () => {
  it('a new customer has $2,900.00 a month, and the answer says what is not counted', async () => {
    const { apiKey } = await signUp();
    const { status, body } = await limitOf(apiKey);
    expect([status, body]).toEqual([
      200,
      {
        monthly_cents: 290_000,
        room_cents: 290_000,
        reserved_cents: 0,
        awaiting_approval_cents: 0,
        spent_cents: 0,
        month: expect.stringMatching(/^\d{4}-\d\d$/),
        renews_at: expect.stringMatching(/-01T00:00:00\.000Z$/),
        note: expect.stringContaining('Subscriptions, renewals and credits are not limited.'),
      },
    ]);
  });

  it('a changed limit is returned at once, and null removes it', async () => {
    const { apiKey } = await signUp();
    expect((await setLimit(apiKey, 0)).body).toMatchObject({ monthly_cents: 0, room_cents: 0 });
    expect((await limitOf(apiKey)).body).toMatchObject({ monthly_cents: 0, room_cents: 0 });
    expect((await setLimit(apiKey, null)).body).toMatchObject({ monthly_cents: null, room_cents: null });
    expect((await limitOf(apiKey)).body).toMatchObject({ monthly_cents: null, room_cents: null });
  });

  it.each([[-1], [1.5], ['100'], [100_000_001], [undefined]])(
    'a limit of %j cents is invalid',
    async (cents) => {
      const { apiKey } = await signUp();
      expect(await setLimit(apiKey, cents)).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
    },
  );

  it('a fix above the limit is answered 402 with the limit, what is left of it and when it renews', async () => {
    const { apiKey } = await payer();
    await setLimit(apiKey, 5_000);
    expect(await bill(apiKey, 1)).toMatchObject({ status: 200 });
    const { status, body } = await bill(apiKey, 2);
    expect(status).toBe(402);
    expect(body).toMatchObject({
      code: 'spending_limit_reached',
      reasons: ['spending_limit_reached'],
      credit_balance: 0,
      spending_limit: {
        monthly_cents: 5_000,
        room_cents: 2_100,
        reserved_cents: 0,
        spent_cents: 2_900,
        renews_at: expect.stringMatching(/-01T00:00:00\.000Z$/),
      },
      detail: expect.stringContaining('$21.00 of $50.00 are left until'),
    });
    const { body: usage } = await call(api.getUsage, { apiKey });
    expect(usage['warnings']).toMatchObject([
      { code: 'no_credits', message: expect.stringContaining('limit is reached: the next fix is blocked') },
      { code: 'spending_limit_reached' },
    ]);
  });

  it('without a card, the limit is the second of the reasons', async () => {
    const { apiKey, customerId } = await signUp();
    await leaveCredits(money, customerId, 0);
    await setLimit(apiKey, 0);
    expect((await bill(apiKey, 1)).body).toMatchObject({
      code: 'no_billing_info',
      reasons: ['no_billing_info', 'spending_limit_reached'],
    });
  });
});

describe('what merging costs', () => {
  it('recording says that a credit pays, the card is charged, or billing is blocked', async () => {
    const { apiKey, customerId } = await signUp();
    expect((await record(apiKey, 1)).body['merge_cost']).toEqual({
      kind: 'credit',
      amount_cents: 0,
      message: 'Merging this pull request uses 1 of 5 RSOLV credits.',
    });
    await leaveCredits(money, customerId, 1);
    expect((await record(apiKey, 1)).body['merge_cost']).toMatchObject({
      message: 'Merging this pull request uses the last RSOLV credit.',
    });
    await leaveCredits(money, customerId, 0);
    expect((await record(apiKey, 1)).body['merge_cost']).toEqual({
      kind: 'blocked',
      amount_cents: 0,
      message:
        'RSOLV cannot bill this pull request when it is merged: no credits are left, and no card is on file.',
    });
    await addCard(apiKey, await money.newCard());
    await leaveCredits(money, customerId, 0);
    expect((await record(apiKey, 1)).body['merge_cost']).toEqual({
      kind: 'charge',
      amount_cents: 2_900,
      message: 'Merging this pull request charges $29.00, because no RSOLV credits are left.',
    });
    await setLimit(apiKey, 0);
    expect((await record(apiKey, 1)).body['merge_cost']).toMatchObject({ kind: 'blocked', amount_cents: 0 });
  });

  it('recording a fix again that is billed says nothing about costs', async () => {
    const { apiKey } = await signUp();
    await bill(apiKey, 1);
    const { status, body } = await record(apiKey, 1);
    expect([status, body['merge_cost']]).toEqual([200, undefined]);
  });

  it('the exposure counts recorded fixes until they are billed with a credit or by card', async () => {
    const { apiKey, customerId } = await payer();
    for (const pr of [1, 2, 3, 4]) await record(apiKey, pr);
    await setLimit(apiKey, 6_000);
    expect(await exposureOf(apiKey)).toEqual({
      unbilled_fixes: 4,
      or_more: false,
      covered_by_credits: 0,
      fix_price_cents: 2_900,
      cost_cents: 11_600,
      room_cents: 6_000,
      beyond_limit: 2,
      reasons: [],
    });
    await bill(apiKey, 1);
    await leaveCredits(money, customerId, 2);
    await bill(apiKey, 2);
    expect(await exposureOf(apiKey)).toMatchObject({
      unbilled_fixes: 2,
      covered_by_credits: 1,
      cost_cents: 2_900,
      room_cents: 3_100,
      beyond_limit: 0,
    });
  });
});
