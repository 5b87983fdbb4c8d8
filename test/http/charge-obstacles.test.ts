import { beforeAll, describe, expect, it } from 'vitest';
import { warnLowBalances } from '../../lib/operations/notices/warn-low-balances.ts';
import {
  addCard,
  bill,
  customerOutOfCredits,
  leaveCredits,
  recorded,
  serveMoney,
  subscribe,
  usage,
} from '../support/http-money.ts';
import type { Money } from '../support/money.ts';
import { noticeContentsOf } from '../support/notices.ts';

/* What blocks a charge. `/usage`, billing, subscribing and letters must agree. */

let money: Money;
beforeAll(async () => {
  const served = await serveMoney();
  money = served.money;
  return served.stop;
});

const DECLINING = 'pm_card_chargeCustomerFail';
const billNext = async (apiKey: string, prNumber: number) => bill(apiKey, await recorded(apiKey, prNumber));

describe('a card that was declined', () => {
  it('a declined card blocks the next fix, and /usage states the time of the next try', async () => {
    const { apiKey } = await customerOutOfCredits(money, DECLINING);
    const before = await usage(apiKey);
    expect(before['warnings']).toMatchObject([
      { code: 'no_credits', message: expect.stringContaining('is charged $29.00') },
    ]);
    expect((await billNext(apiKey, 1)).body).toMatchObject({
      code: 'card_declined',
      reasons: ['card_declined'],
    });

    const { warnings } = await usage(apiKey);
    expect(warnings).toEqual([
      { code: 'no_credits', message: 'No credits left and the card was declined: the next fix is blocked.' },
      {
        code: 'card_declined',
        message: expect.stringMatching(/not charged again before 20.*Add another card/),
      },
    ]);
    const next = await billNext(apiKey, 2);
    expect([next.status, next.body['code'], next.body['reasons']]).toEqual([
      402,
      'card_declined',
      ['card_declined'],
    ]);
    expect(Number(next.headers['retry-after'])).toBeGreaterThan(3_000);
  });

  it('a declined card stops blocking once another card is on file', async () => {
    const { apiKey, customerId } = await customerOutOfCredits(money, DECLINING);
    await billNext(apiKey, 1);
    await addCard(apiKey, await money.newCard());
    await leaveCredits(money, customerId, 0);
    expect((await usage(apiKey))['warnings']).toMatchObject([
      { code: 'no_credits', message: expect.stringContaining('is charged $29.00') },
    ]);
    expect((await billNext(apiKey, 2)).status).toBe(200);
  });

  it('a declined card is listed beside an open dispute, when a fix is billed and when Pro is ordered', async () => {
    const { apiKey } = await customerOutOfCredits(money, 'pm_card_createDispute');
    expect((await billNext(apiKey, 1)).status).toBe(200);
    await addCard(apiKey, DECLINING);
    await billNext(apiKey, 2);
    await money.deliver(money.events().filter(({ type }) => type.startsWith('charge.dispute')));
    const both = { code: 'account_disputed', reasons: ['account_disputed', 'card_declined'] };
    expect((await billNext(apiKey, 3)).body).toMatchObject(both);
    // The wait after a decline does not apply to a person who subscribes.
    const order = { code: 'account_disputed', reasons: ['account_disputed'] };
    expect((await subscribe(apiKey)).body).toMatchObject(order);
  });

  it('a declined card is named by the letter about the last credits, in place of a price', async () => {
    const { apiKey, customerId } = await customerOutOfCredits(money, DECLINING);
    await billNext(apiKey, 1);
    await leaveCredits(money, customerId, 7);
    await leaveCredits(money, customerId, 0);
    await warnLowBalances(money.deps);
    const [letter] = (await noticeContentsOf(money.deps, customerId, 'exhausted')).slice(-1);
    expect(letter).toMatchObject({ hasCard: true, isDeclined: true });
  });
});

describe('subscribing', () => {
  it('subscribing without a card lists the reason in the 402', async () => {
    const { apiKey } = await customerOutOfCredits(money);
    await addCard(apiKey, DECLINING);
    const { status, body } = await subscribe(apiKey);
    expect([status, body['code'], body['reasons']]).toEqual([402, 'card_declined', ['card_declined']]);
  });
});
