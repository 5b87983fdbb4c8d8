import { beforeEach, describe, expect, it } from 'vitest';
import { chargeTexts } from '../../../lib/domain/fix-attempt.ts';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { settleFixPayment } from '../../../lib/operations/fixes/record-payment.ts';
import { requireFix } from '../../../lib/operations/ledger/require-item.ts';
import { orderOf } from '../../../lib/operations/plans/settle-order.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { announceCharge } from '../../../lib/store/fix-attempts.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readEntriesDown } from '../../../lib/store/ledger.ts';
import { readCardTries } from '../../../lib/store/payments/card-tries.ts';
import { readTogether, type Table, writeTogether } from '../../../lib/store/table.ts';
import type { FixChargeOrder } from '../../../lib/stripe/port.ts';
import { markClosed, recordedFix } from '../../support/customers.ts';
import {
  customerWithCard,
  expectSoundMoney,
  headOf,
  type Money,
  openMoneyForFile,
} from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { answering, failing } from '../../support/stripe-answers.ts';

/* Announced payments after a change: whether they are sent again. */

const HOUR_MS = 60 * 60 * 1000;
/** Long enough that the request which announced a payment cannot still be in flight. */
const AGED_MS = 3 * 60 * 1000;

let table: Table;
let money: Money;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const at = (ms: number): PaymentDeps => ({ ...money.deps, now: () => new Date(Date.now() + ms) });

const fixOf = async (customerId: string, id: string) => {
  const [item] = await readTogether(table, [keys.fix(customerId, id)]);
  return requireFix(item);
};

/** An announced charge that did not reach Stripe. */
async function announced() {
  const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
  const id = await recordedFix(money.deps, customerId, 1);
  const silent = await answering(at(-AGED_MS), () => ({ chargeFix: failing('indeterminate') }));
  await expect(billFixAttempt(silent, customerId, id)).rejects.toMatchObject({ code: 'payment_pending' });
  const { charge } = await fixOf(customerId, id);
  return { customerId, stripeCustomerId, id, cardThen: charge?.paymentMethodId };
}

describe('what Stripe gets with a charge', () => {
  const newest = () => money.double.state.paymentIntents.newestFirst[0];

  it('a charge says which pull request it is for, and names no repository', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await billFixAttempt(money.deps, customerId, await recordedFix(money.deps, customerId, 42));
    expect(newest()).toMatchObject({
      description: 'RSOLV fix #42',
      statement_descriptor_suffix: 'FIX 42',
      receipt_email: null,
    });
    expect(chargeTexts({ githubOrg: 'a', repoName: 'b', prNumber: 1_234_567 }, null).statementSuffix).toBe(
      'FIX',
    );
  });

  it('an announced charge is sent with what was announced, whatever the release and the settings say now', async () => {
    const mailing = await answering(at(-AGED_MS), () => ({
      mailsReceipts: true,
      chargeFix: failing('indeterminate'),
    }));
    for (const release of ['this', 'earlier']) {
      const { customerId } = await customerWithCard(money, 0);
      const { email } = await headOf(money.deps, customerId);
      const id = await recordedFix(money.deps, customerId, 7);
      await expect(billFixAttempt(mailing, customerId, id)).rejects.toMatchObject({
        code: 'payment_pending',
      });
      const fix = await fixOf(customerId, id);
      if (fix.charge === null) throw new Error('nothing was announced');
      const asBefore = announceCharge(customerId, fix, { ...fix.charge, texts: null });
      if (release === 'earlier') await writeTogether(table, [asBefore]);
      expect(await billFixAttempt(money.deps, customerId, id)).toMatchObject({ kind: 'billed' });
      expect(newest()).toMatchObject(
        release === 'this'
          ? { description: 'RSOLV fix #7', statement_descriptor_suffix: 'FIX 7', receipt_email: email }
          : { description: 'RSOLV: one fix', statement_descriptor_suffix: null, receipt_email: null },
      );
      // The address is not kept longer than the charge is open.
      expect((await fixOf(customerId, id)).charge?.texts).toBeNull();
    }
  });
});

/** Disputes an earlier payment of the customer. */
async function dispute(customerId: string, stripeCustomerId: string): Promise<void> {
  await disputeUntold(customerId, stripeCustomerId);
  await money.deliver();
  expect((await headOf(money.deps, customerId)).openDisputes).toHaveLength(1);
}

/** The same, but the event is lost. */
async function disputeUntold(customerId: string, stripeCustomerId: string): Promise<void> {
  const { paymentMethodId } = await headOf(money.deps, customerId);
  const { latest_charge: charge } = await money.stripe.paymentIntents.create({
    amount: 100,
    currency: 'usd',
    customer: stripeCustomerId,
    payment_method: paymentMethodId ?? '',
    off_session: true,
    confirm: true,
    allowed_payment_method_types: ['card'],
  });
  await money.control(`charges/${String(charge)}/dispute`);
}

const paidFor = (id: string): number =>
  money.double.state.paymentIntents.newestFirst.filter(
    ({ metadata, status }) => metadata['fix_attempt_id'] === id && status === 'succeeded',
  ).length;

describe('a charge that was announced', () => {
  it("a charge announced before a dispute is not made after it if the dispute's event is lost, and the next fix is not charged", async () => {
    const { customerId, stripeCustomerId, id } = await announced();
    await disputeUntold(customerId, stripeCustomerId);
    const blocked = { kind: 'blocked', code: 'account_disputed' };
    expect(await billFixAttempt(money.deps, customerId, id)).toMatchObject(blocked);
    const next = await recordedFix(money.deps, customerId, 2);
    expect(await billFixAttempt(money.deps, customerId, next)).toMatchObject(blocked);
    expect(paidFor(id) + paidFor(next)).toBe(0);
    expect(await noticeContentsOf(money.deps, customerId, 'dispute')).toHaveLength(1);
    // The late event of the dispute changes nothing and sends no second letter.
    await money.deliver();
    expect((await headOf(money.deps, customerId)).openDisputes).toHaveLength(1);
    expect(await noticeContentsOf(money.deps, customerId, 'dispute')).toHaveLength(1);
  });

  it('a charge announced before a dispute is not made after it, by the sweeper or the next call', async () => {
    const { customerId, stripeCustomerId, id } = await announced();
    await dispute(customerId, stripeCustomerId);
    expect(await settlePendingCharges(money.deps, -HOUR_MS)).toMatchObject({ settled: 1, failed: [] });
    expect(await billFixAttempt(money.deps, customerId, id)).toMatchObject({ code: 'account_disputed' });
    expect(await fixOf(customerId, id)).toMatchObject({
      billed: null,
      charge: { state: 'closed', attempt: 1 },
    });
    expect(paidFor(id)).toBe(0);
  });

  it('a charge announced before the account was closed is not made after it', async () => {
    const { customerId, id } = await announced();
    await markClosed(money.deps, customerId);
    expect(await settlePendingCharges(money.deps, -HOUR_MS)).toMatchObject({ settled: 1, failed: [] });
    expect(await fixOf(customerId, id)).toMatchObject({ billed: null, charge: { state: 'closed' } });
    expect(paidFor(id)).toBe(0);
  });

  it('an announced charge on a card that is replaced at Stripe is closed, and made under a new key with the new card', async () => {
    const { customerId, stripeCustomerId, id, cardThen } = await announced();
    const { id: card } = await money.stripe.paymentMethods.attach(await money.newCard(), {
      customer: stripeCustomerId,
    });
    await money.stripe.customers.update(stripeCustomerId, {
      invoice_settings: { default_payment_method: card },
    });
    const sent: Pick<FixChargeOrder, 'idempotencyKey' | 'paymentMethodId'>[] = [];
    const deps = await answering(money.deps, (port) => ({
      chargeFix: async (order) => {
        sent.push({ idempotencyKey: order.idempotencyKey, paymentMethodId: order.paymentMethodId });
        return port.chargeFix(order);
      },
    }));
    expect(await billFixAttempt(deps, customerId, id)).toMatchObject({ kind: 'billed' });
    expect(card).not.toBe(cardThen);
    expect(sent).toEqual([{ idempotencyKey: expect.stringMatching(/:2$/), paymentMethodId: card }]);
    await expectSoundMoney(money, customerId);
  });

  it('an announced charge in flight in another call is not followed by a second one on another card', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    const id = await recordedFix(money.deps, customerId, 1);
    const { slow, arrive, isSent } = await onItsWay('chargeFix');
    const first = billFixAttempt(slow, customerId, id);
    await isSent;
    await replaceCard(stripeCustomerId);
    await expect(billFixAttempt(money.deps, customerId, id)).rejects.toMatchObject({
      code: 'payment_pending',
    });
    arrive();
    expect(await first).toMatchObject({ kind: 'billed', already: false });
    expect(await billFixAttempt(money.deps, customerId, id)).toMatchObject({ kind: 'billed', already: true });
    expect(paidFor(id)).toBe(1);
    await expectSoundMoney(money, customerId);
  });

  it('a charge made despite a lost response is settled even if the card was replaced meanwhile', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const id = await recordedFix(money.deps, customerId, 1);
    const lost = await answering(money.deps, (port) => ({
      chargeFix: async (order) => {
        await port.chargeFix(order);
        return failing('indeterminate')();
      },
    }));
    await expect(billFixAttempt(lost, customerId, id)).rejects.toMatchObject({ code: 'payment_pending' });
    await addPaymentMethod(money.deps, await headOf(money.deps, customerId), await money.newCard());
    expect(await settlePendingCharges(money.deps, -HOUR_MS)).toMatchObject({ settled: 1, failed: [] });
    expect(await fixOf(customerId, id)).toMatchObject({ billed: { outcome: 'charged_and_consumed' } });
    expect(paidFor(id)).toBe(1);
    await expectSoundMoney(money, customerId);
  });

  it("a charge announced by a clock nine minutes ahead of Stripe's is found by its metadata a day later", async () => {
    const ahead = at(9 * 60 * 1000);
    const { customerId } = await customerWithCard(money, 0);
    const id = await recordedFix(ahead, customerId, 1);
    const lost = await answering(ahead, (port) => ({
      chargeFix: async (order) => {
        await port.chargeFix(order);
        return failing('indeterminate')();
      },
    }));
    await expect(billFixAttempt(lost, customerId, id)).rejects.toMatchObject({ code: 'payment_pending' });
    expect(await settlePendingCharges(at(25 * HOUR_MS))).toMatchObject({ settled: 1, failed: [] });
    expect(await fixOf(customerId, id)).toMatchObject({ billed: { outcome: 'charged_and_consumed' } });
    expect(paidFor(id)).toBe(1);
  });

  it('a charge announced at $29 that is paid after a newer attempt at $15 is billed with the $29 that were paid', async () => {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_authenticationRequired');
    const id = await recordedFix(money.deps, customerId, 1);
    expect(await billFixAttempt(money.deps, customerId, id)).toMatchObject({ kind: 'action_required' });
    const fix = await fixOf(customerId, id);
    const { charge } = fix;
    if (charge === null) throw new Error('no charge');
    const newer = { ...charge, attempt: 2, state: 'charging', amountCents: 1_500, rate: 'pro' } as const;
    await writeTogether(table, [announceCharge(customerId, fix, { ...newer, paymentIntentId: null })]);
    await money.control(`payment_intents/${charge.paymentIntentId}/authenticate`, { succeeds: true });
    const payment = await (await money.deps.stripe()).readFixPayment(charge.paymentIntentId ?? '');
    if (payment === null) throw new Error('no payment');

    expect(await settleFixPayment(money.deps, payment)).toMatchObject({ settlement: { kind: 'billed' } });

    expect((await fixOf(customerId, id)).billed).toMatchObject({ amountCents: 2_900 });
    const [, purchased] = await readEntriesDown(table, customerId, null, 2);
    expect(purchased).toMatchObject({ source: 'purchased', metadata: { amount_cents: 2_900 } });
  });
});

describe('an order that was announced', () => {
  it('an order announced before a dispute is not made after it, and ends', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const silent = await answering(at(-AGED_MS), () => ({ subscribe: failing('indeterminate') }));
    await expect(subscribeToPro(silent, customerId, null)).rejects.toMatchObject({ code: 'payment_pending' });
    await dispute(customerId, stripeCustomerId);
    expect(await settlePendingCharges(money.deps, -HOUR_MS)).toMatchObject({ settled: 1, failed: [] });
    const [order] = await readTogether(table, [keys.order(customerId)]);
    expect(orderOf(order)).toMatchObject({ state: 'refused', attempt: 1 });
    expect(money.double.state.subscriptions.newestFirst).toEqual([]);
  });

  it('an announced order in flight in another call is not followed by a second subscription', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const { slow, arrive, isSent } = await onItsWay('subscribe');
    const first = subscribeToPro(slow, customerId, null);
    await isSent;
    await replaceCard(stripeCustomerId);
    const [stored] = await readTogether(table, [keys.order(customerId)]);
    await expect(subscribeToPro(money.deps, customerId, orderOf(stored))).rejects.toMatchObject({
      code: 'payment_pending',
    });
    arrive();
    expect(await first).toMatchObject({ created: true, head: { balance: 65 } });
    expect(money.double.state.subscriptions.newestFirst).toHaveLength(1);
    await expectSoundMoney(money, customerId);
  });

  it('an announced order counts as a try of its card while its outcome is unknown', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const silent = await answering(money.deps, () => ({ subscribe: failing('indeterminate') }));
    await expect(subscribeToPro(silent, customerId, null)).rejects.toMatchObject({ code: 'payment_pending' });
    const underWay = async () =>
      Object.values((await readCardTries(table, customerId)).cards).flatMap((card) => card.underWay);
    expect(await underWay()).toHaveLength(1);
    expect(await settlePendingCharges(money.deps, -HOUR_MS)).toMatchObject({ settled: 1, failed: [] });
    expect(await underWay()).toEqual([]);
  });

  it('an announced order on a card that is replaced at Stripe is closed, and a new order is made with the new card', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const silent = await answering(at(-AGED_MS), () => ({ subscribe: failing('indeterminate') }));
    await expect(subscribeToPro(silent, customerId, null)).rejects.toMatchObject({ code: 'payment_pending' });
    const { id: card } = await money.stripe.paymentMethods.attach(await money.newCard(), {
      customer: stripeCustomerId,
    });
    await money.stripe.customers.update(stripeCustomerId, {
      invoice_settings: { default_payment_method: card },
    });
    const attempts: number[] = [];
    const deps = await answering(money.deps, (port) => ({
      subscribe: async (order) => {
        attempts.push(order.attempt);
        return port.subscribe(order);
      },
    }));
    const [stored] = await readTogether(table, [keys.order(customerId)]);
    expect(await subscribeToPro(deps, customerId, orderOf(stored))).toMatchObject({ created: true });
    expect(attempts).toEqual([2]);
    const [after] = await readTogether(table, [keys.order(customerId)]);
    expect(orderOf(after)).toMatchObject({ state: 'done', paymentMethodId: card });
    await expectSoundMoney(money, customerId);
  });
});

/** Makes another card the default at Stripe, without an event. */
async function replaceCard(customer: string): Promise<string> {
  const { id } = await money.stripe.paymentMethods.attach(await money.newCard(), { customer });
  await money.stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
  return id;
}

/** A call that is sent but does not reach Stripe before `arrive`. */
async function onItsWay(call: 'chargeFix' | 'subscribe') {
  const sent = Promise.withResolvers<void>();
  const arrival = Promise.withResolvers<void>();
  const late =
    <Order, Made>(ask: (order: Order) => Promise<Made>) =>
    async (order: Order) => {
      sent.resolve();
      await arrival.promise;
      return ask(order);
    };
  const slow = await answering(money.deps, (port) =>
    call === 'chargeFix' ? { chargeFix: late(port.chargeFix) } : { subscribe: late(port.subscribe) },
  );
  return { slow, arrive: arrival.resolve, isSent: sent.promise };
}

describe('an event about one dispute', () => {
  it('an event about one dispute stores every open dispute of the account, even if their own events are late', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    const ids = [await recordedFix(money.deps, customerId, 1), await recordedFix(money.deps, customerId, 2)];
    for (const id of ids) await billFixAttempt(money.deps, customerId, id);
    const disputes: string[] = [];
    for (const charge of money.double.state.charges.newestFirst.filter(
      (one) => one.customer === stripeCustomerId,
    )) {
      disputes.push(String((await money.control(`charges/${charge.id}/dispute`))['id']));
    }
    const last = disputes.at(-1) ?? '';
    await money.deliver(money.events().filter((event) => JSON.stringify(event.data).includes(last)));
    expect((await headOf(money.deps, customerId)).openDisputes).toEqual(disputes.toSorted());
  });
});

describe('an inquiry that escalates to a chargeback', () => {
  it('an inquiry blocks charges from its start, and after it escalates to a chargeback', async () => {
    const { customerId } = await customerWithCard(money, 5);
    await subscribeToPro(money.deps, customerId, null);
    await money.deliver();
    const before = (await headOf(money.deps, customerId)).balance;
    const [charge] = money.double.state.charges.newestFirst;
    const { id } = await money.control(`charges/${charge?.id}/dispute`, { inquiry: true });
    await money.deliver();
    expect(await headOf(money.deps, customerId)).toMatchObject({ openDisputes: [id], balance: before });
    await money.control(`disputes/${String(id)}/escalate`);
    await money.deliver();
    expect(await headOf(money.deps, customerId)).toMatchObject({ openDisputes: [id], balance: before - 60 });
  });
});
