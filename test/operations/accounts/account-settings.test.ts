import { beforeEach, describe, expect, it } from 'vitest';
import { askToClose, keepOpen } from '../../../lib/operations/accounts/ask-to-close.ts';
import { changeName } from '../../../lib/operations/accounts/change-name.ts';
import { changeSpendingLimit } from '../../../lib/operations/accounts/change-spending-limit.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { cancelSubscription } from '../../../lib/operations/plans/cancel-subscription.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { markClosed, recordedFix } from '../../support/customers.ts';
import { customerWith } from '../../support/fixtures.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';

/* What customers change about their account: the name, the spending limit, and the wish to close it. */

let money: Money;
let deps: PaymentDeps;
let reported: BusinessEvent[];
beforeEach(async () => {
  const opened = await openMoneyForFile();
  money = opened.money;
  reported = [];
  deps = { ...money.deps, report: (happened) => void reported.push(happened) };
  return opened.stop;
});

const AT = new Date('2026-01-02T03:04:05.678Z');

const signedUp = async () => (await customerWith(money.deps, 5)).head.customerId;

describe('a name', () => {
  it('a name is changed at once, and setting it again changes nothing', async () => {
    const customerId = await signedUp();
    await changeName(deps, customerId, 'Acme & Daughters');
    const changed = await headOf(deps, customerId);
    expect(changed.name).toBe('Acme & Daughters');
    await changeName(deps, customerId, 'Acme & Daughters');
    expect(await headOf(deps, customerId)).toEqual(changed);
  });
});

describe('a spending limit', () => {
  it('a changed limit is returned with what the month has spent, also when it is set again, with one letter', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await billFixAttempt(money.deps, customerId, await recordedFix(money.deps, customerId, 1));
    const changed = await changeSpendingLimit(deps, customerId, 50_000);
    expect(changed).toMatchObject({ limitCents: 50_000, spending: { spentCents: 2_900 } });
    expect(await changeSpendingLimit(deps, customerId, 50_000)).toEqual(changed);
    expect(await noticeContentsOf(deps, customerId, 'limit_changed')).toHaveLength(1);
  });
});

describe('the wish to close an account', () => {
  it('the wish to close an account is stored, mailed and reported once; the first wish counts', async () => {
    const customerId = await signedUp();
    await askToClose({ ...deps, now: () => AT }, customerId);
    await askToClose(deps, customerId);
    expect((await headOf(deps, customerId)).closingAskedAt).toBe(AT.toISOString());
    expect(reported).toEqual([{ kind: 'closing_asked', customerId }]);
    expect(await noticeContentsOf(deps, customerId, 'closing_asked')).toHaveLength(1);
  });

  it('the withdrawal of the wish to close is reported once, and without a wish nothing is withdrawn', async () => {
    const customerId = await signedUp();
    const before = await headOf(deps, customerId);
    await keepOpen(deps, customerId);
    expect(await headOf(deps, customerId)).toEqual(before);
    await askToClose(money.deps, customerId);
    for (let calls = 0; calls < 2; calls++) await keepOpen(deps, customerId);
    expect((await headOf(deps, customerId)).closingAskedAt).toBeNull();
    expect(reported).toEqual([{ kind: 'closing_withdrawn', customerId }]);
  });

  it('the letter about the wish to close mentions Pro only if a subscription would end with the account', async () => {
    const trial = await signedUp();
    const { customerId: pro } = await customerWithCard(money, 0);
    const { customerId: former } = await customerWithCard(money, 0);
    for (const customerId of [pro, former]) await subscribeToPro(money.deps, customerId, null);
    await cancelSubscription(money.deps, former, false);
    for (const customerId of [trial, pro, former]) await askToClose(deps, customerId);
    const letter = { kind: 'closing_asked', hasPro: false };
    expect(await noticeContentsOf(deps, trial, 'closing_asked')).toEqual([{ ...letter, credits: 5 }]);
    expect(await noticeContentsOf(deps, former, 'closing_asked')).toEqual([{ ...letter, credits: 60 }]);
    expect(await noticeContentsOf(deps, pro, 'closing_asked')).toEqual([
      { ...letter, credits: 60, hasPro: true },
    ]);
  });
});

describe('a closed account', () => {
  it.each<[string, (customerId: string) => Promise<unknown>]>([
    ['name', (customerId) => changeName(deps, customerId, 'Reborn')],
    ['spending limit', (customerId) => changeSpendingLimit(deps, customerId, 0)],
    ['wish to close', (customerId) => askToClose(deps, customerId)],
    ['wish to stay', (customerId) => keepOpen(deps, customerId)],
  ])('a closed account accepts no new %s', async (_, change) => {
    const customerId = await signedUp();
    await markClosed(money.deps, customerId);
    const closed = await headOf(deps, customerId);
    await expect(change(customerId)).rejects.toMatchObject({ code: 'account_closed' });
    expect(await headOf(deps, customerId)).toEqual(closed);
    expect(reported).toEqual([]);
  });
});
