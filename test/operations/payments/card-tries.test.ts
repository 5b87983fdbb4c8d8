import { beforeEach, describe, expect, it } from 'vitest';
import {
  admit,
  type CardTries,
  declined,
  released,
  reserve,
  succeeded,
} from '../../../lib/domain/payments/card-tries.ts';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { readCardTries } from '../../../lib/store/payments/card-tries.ts';
import { recordedFix } from '../../support/customers.ts';
import { range } from '../../support/fixtures.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { noticesOf } from '../../support/notices.ts';
import { answering, failing } from '../../support/stripe-answers.ts';

const HOUR_MS = 60 * 60 * 1000;
const START = new Date('2026-03-01T00:00:00.000Z');
const hours = (n: number): Date => new Date(START.getTime() + n * HOUR_MS);

/** A card with declines at these hours. */
const declinedAt = (...at: number[]): CardTries | undefined =>
  at.reduce<CardTries | undefined>(
    (tries, hour) =>
      declined(reserve(tries, `t${hour}`, hours(hour)), `t${hour}`, 'generic_decline', hours(hour)),
    undefined,
  );

describe('a card', () => {
  it.each([
    [1, [0], 1],
    [2, [0, 2], 6],
    [3, [0, 2, 10], 24],
    [4, [0, 2, 10, 40], 24],
  ])('a card that was declined %i times in a row is tried again after %j, %i hours later', (_, at, wait) => {
    const tries = declinedAt(...at);
    const last = at.at(-1) ?? 0;
    expect(admit(tries, hours(last + wait - 0.01), false)).toEqual({
      kind: 'refused',
      code: 'generic_decline',
      retryAt: hours(last + wait),
    });
    expect(admit(tries, hours(last + wait), false)).toEqual({ kind: 'allowed' });
    expect(admit(tries, hours(last), true)).toEqual({ kind: 'allowed' });
  });

  it('a card that was declined 15 times in 30 days is not tried, even by a person, until the first decline is 30 days old', () => {
    const tries = declinedAt(...range(0, 14).map((day) => day * 25));
    const refused = { kind: 'refused', code: 'generic_decline', retryAt: hours(30 * 24) };
    expect(admit(tries, hours(29 * 24), true)).toEqual(refused);
    expect(admit(tries, hours(30 * 24), true)).toEqual({ kind: 'allowed' });
  });

  it('a card that paid can be tried at once, whatever was declined before', () => {
    const tries = succeeded(reserve(declinedAt(0, 2), 'paid', hours(9)), 'paid', hours(9));
    expect(admit(tries, hours(9), false)).toEqual({ kind: 'allowed' });
  });

  it('a card whose last try was declined has one try at a time', () => {
    const tries = reserve(declinedAt(0), 'next', hours(2));
    expect(admit(tries, hours(2), true)).toMatchObject({ kind: 'refused' });
    expect(admit(released(tries, 'next', hours(2)), hours(2), true)).toEqual({ kind: 'allowed' });
  });

  it('a card with 15 tries in flight and no decline is busy, not refused', () => {
    const tries = range(1, 15).reduce<CardTries | undefined>(
      (all, n) => reserve(all, `t${n}`, START),
      undefined,
    );
    expect(admit(tries, START, false)).toEqual({ kind: 'busy' });
    expect(admit(released(tries, 't1', START), START, false)).toEqual({ kind: 'allowed' });
  });

  it.each([
    'lost_card',
    'stolen_card',
    'pickup_card',
    'restricted_card',
    'invalid_account',
    'revocation_of_authorization',
  ])('a card that was declined for %s is never tried again, even by a person', (code) => {
    const tries = declined(undefined, 't', code, START);
    expect(admit(tries, hours(24 * 365), true)).toEqual({ kind: 'refused', code, retryAt: null });
  });
});

describe('calls on a card that declines', () => {
  let money: Money;
  beforeEach(async () => {
    const opened = await openMoneyForFile();
    ({ money } = opened);
    return opened.stop;
  });

  const at = (ms: number): PaymentDeps => ({ ...money.deps, now: () => new Date(Date.now() + ms) });
  const intents = () => money.double.state.paymentIntents.newestFirst.length;
  const letters = async (customerId: string) =>
    (await noticesOf(money.deps, customerId)).filter(({ content }) => content.kind === 'card_declined')
      .length;
  const fixesOf = (customerId: string, count: number) =>
    Promise.all(range(1, count).map((pr) => recordedFix(money.deps, customerId, pr)));

  it('40 sequential calls on a declining card make one payment intent and one letter', async () => {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_chargeCustomerFail');
    const kinds: string[] = [];
    for (const id of await fixesOf(customerId, 40)) {
      kinds.push((await billFixAttempt(money.deps, customerId, id)).kind);
    }
    expect(kinds[0]).toBe('declined');
    expect(new Set(kinds.slice(1))).toEqual(new Set(['not_tried']));
    expect([intents(), await letters(customerId)]).toEqual([1, 1]);
  });

  it('40 concurrent calls on a declining card make at most 15 payment intents and one letter', async () => {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_chargeCustomerFail');
    const fixes = await fixesOf(customerId, 40);
    const billed = await Promise.all(fixes.map((id) => billFixAttempt(money.deps, customerId, id)));
    expect(billed.filter(({ kind }) => kind !== 'declined' && kind !== 'not_tried')).toEqual([]);
    expect(intents()).toBeLessThanOrEqual(15);
    expect(await letters(customerId)).toBe(1);
    const { cards } = await readCardTries(money.deps.table, customerId);
    const [tries] = Object.values(cards);
    expect([tries?.declines.length, tries?.underWay]).toEqual([intents(), []]);
  });

  it('a try an hour later counts as the second, without a second letter on the same day', async () => {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_chargeCustomerFail');
    const [first = '', second = '', third = ''] = await fixesOf(customerId, 3);
    const noon = Date.parse('2027-01-02T12:00:00.000Z') - Date.now();
    await billFixAttempt(at(noon), customerId, first);
    expect(await billFixAttempt(at(noon + 2 * HOUR_MS), customerId, second)).toMatchObject({
      kind: 'declined',
    });
    expect(await billFixAttempt(at(noon + 4 * HOUR_MS), customerId, third)).toMatchObject({
      kind: 'not_tried',
    });
    expect([intents(), await letters(customerId)]).toEqual([2, 1]);
  });

  it('a person who adds the same card again, or bills by hand, does not wait', async () => {
    const card = await money.newCard('tok_chargeCustomerFail');
    const { customerId } = await customerWithCard(money, 0, card);
    const [first = '', second = '', third = ''] = await fixesOf(customerId, 3);
    await billFixAttempt(money.deps, customerId, first);
    await addPaymentMethod(money.deps, await headOf(money.deps, customerId), card);
    expect(await billFixAttempt(money.deps, customerId, second)).toMatchObject({ kind: 'declined' });
    expect(await billFixAttempt(money.deps, customerId, third)).toMatchObject({ kind: 'not_tried' });
    const byPerson = { byPerson: true };
    expect(await billFixAttempt(money.deps, customerId, third, undefined, byPerson)).toMatchObject({
      kind: 'declined',
    });
  });

  it('another card on file is tried at once', async () => {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_chargeCustomerFail');
    const [id = ''] = await fixesOf(customerId, 1);
    await billFixAttempt(money.deps, customerId, id);
    await addPaymentMethod(money.deps, await headOf(money.deps, customerId), await money.newCard());
    expect(await billFixAttempt(money.deps, customerId, id)).toMatchObject({ kind: 'billed' });
  });

  it('a card whose bank asks the cardholder is not counted as declined', async () => {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_authenticationRequired');
    const ids = await fixesOf(customerId, 2);
    for (const id of ids) {
      expect(await billFixAttempt(money.deps, customerId, id)).toMatchObject({ kind: 'action_required' });
    }
    const { cards } = await readCardTries(money.deps.table, customerId);
    expect(Object.values(cards)).toMatchObject([{ declines: [], underWay: [] }]);
  });

  it('orders count as tries, do not wait, and are refused after a hard decline', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const soft = await answering(money.deps, () => ({
      subscribe: failing('declined', { declineCode: 'generic_decline' }),
    }));
    for (const _ of ['first', 'second']) {
      await expect(subscribeToPro(soft, customerId, null)).rejects.toMatchObject({ code: 'card_declined' });
    }
    const { cards } = await readCardTries(money.deps.table, customerId);
    expect(Object.values(cards)).toMatchObject([
      { declines: [expect.any(String), expect.any(String)], underWay: [] },
    ]);
    const hard = await answering(money.deps, () => ({
      subscribe: failing('declined', { declineCode: 'stolen_card' }),
    }));
    await expect(subscribeToPro(hard, customerId, null)).rejects.toMatchObject({ code: 'card_declined' });
    await expect(subscribeToPro(money.deps, customerId, null)).rejects.toThrow(/will not accept it again/);
    expect(money.double.state.subscriptions.newestFirst).toEqual([]);
  });

  it('a payment that succeeds clears the record of its card', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const [first = '', second = ''] = await fixesOf(customerId, 2);
    const faulty = await answering(money.deps, () => ({
      chargeFix: failing('declined', { code: 'card_declined' }),
    }));
    expect(await billFixAttempt(faulty, customerId, first)).toMatchObject({ kind: 'declined' });
    expect(await billFixAttempt(at(2 * HOUR_MS), customerId, first)).toMatchObject({ kind: 'billed' });
    const { cards } = await readCardTries(money.deps.table, customerId);
    expect(Object.values(cards)).toMatchObject([{ declines: [], underWay: [] }]);
    expect(await billFixAttempt(money.deps, customerId, second)).toMatchObject({ kind: 'billed' });
  });
});
