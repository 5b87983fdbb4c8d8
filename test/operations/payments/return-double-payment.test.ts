import { beforeEach, describe, expect, it } from 'vitest';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { returnDoublePayment } from '../../../lib/operations/payments/return-double-payment.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { readDoublePayment } from '../../../lib/store/payments/double-payments.ts';
import { fixMetadata } from '../../../lib/stripe/readers/payments.ts';
import { recordedFix } from '../../support/customers.ts';
import {
  customerWithCard,
  expectSoundMoney,
  headOf,
  type Money,
  openMoneyForFile,
} from '../../support/money.ts';

let money: Money;
let reports: unknown[];
let deps: PaymentDeps;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ money } = opened);
  reports = [];
  deps = Object.assign(money.deps, { report: (happened: unknown) => reports.push(happened) });
  return opened.stop;
});

interface PaidTwice {
  readonly customerId: string;
  readonly second: string;
  readonly charge: string;
}

/** A billed fix, and a second payment of $29.00 for it at Stripe. Its events are not delivered yet. */
async function paidTwice(card = 'pm_card_visa'): Promise<PaidTwice> {
  const { customerId, stripeCustomerId } = await customerWithCard(money, 0, card);
  const fixAttemptId = await recordedFix(deps, customerId, 1);
  await billFixAttempt(deps, customerId, fixAttemptId);
  const { paymentMethodId } = await headOf(deps, customerId);
  const intent = await money.stripe.paymentIntents.create({
    amount: 2_900,
    currency: 'usd',
    customer: stripeCustomerId,
    payment_method: paymentMethodId ?? '',
    off_session: true,
    confirm: true,
    allowed_payment_method_types: ['card'],
    metadata: fixMetadata({ customerId, fixAttemptId, attempt: 2 }),
  });
  return { customerId, second: intent.id, charge: String(intent.latest_charge) };
}

const refundsOf = ({ second }: PaidTwice) =>
  money.double.state.refunds.newestFirst
    .filter(({ payment_intent }) => payment_intent === second)
    .toReversed();

const newestRefund = (one: PaidTwice): string => refundsOf(one).at(-1)?.id ?? '';

const stateOf = async ({ customerId, second }: PaidTwice) =>
  (await readDoublePayment(deps.table, customerId, second))?.state;

const sweep = () => settlePendingCharges(deps, -60_000);

const failRefund = (one: PaidTwice) =>
  money.control(`refunds/${newestRefund(one)}/answer`, { status: 'failed' });

const openDispute = async ({ charge }: PaidTwice, input: object = {}): Promise<string> =>
  String((await money.control(`charges/${charge}/dispute`, input))['id']);

describe('a second payment', () => {
  it('a second payment that was not announced as one is never refunded', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await billFixAttempt(deps, customerId, await recordedFix(deps, customerId, 1));
    const [payment] = money.double.state.paymentIntents.newestFirst;
    expect(payment).toMatchObject({ status: 'succeeded', amount: 2900 });

    await returnDoublePayment(deps, customerId, payment?.id ?? '');

    expect(money.double.state.refunds.newestFirst).toEqual([]);
    await expectSoundMoney(money, customerId);
  });

  it('a second payment with a pending refund is open work until Stripe says that it succeeded', async () => {
    const one = await paidTwice();
    await money.control('refunds/mode', { mode: 'pending' });
    await money.deliver();
    expect(refundsOf(one)).toMatchObject([{ amount: 2_900, status: 'pending' }]);
    expect(await stateOf(one)).toBe('returning');
    expect(await sweep()).toMatchObject({ settled: 0, waiting: [{ item: { id: one.second } }], failed: [] });
    expect(reports).not.toContainEqual(expect.objectContaining({ kind: 'double_payment_returned' }));

    await money.control(`refunds/${newestRefund(one)}/answer`, { status: 'succeeded' });
    await money.deliver();
    expect(await stateOf(one)).toBe('returned');
    expect(refundsOf(one)).toHaveLength(1);
    expect(reports).toContainEqual(expect.objectContaining({ kind: 'double_payment_returned' }));
    await expectSoundMoney(money, one.customerId);
  });

  it('a second payment whose refund fails days later is refunded once more, under a new key', async () => {
    const one = await paidTwice();
    await money.deliver();
    expect(await stateOf(one)).toBe('returned');
    await failRefund(one);
    await money.deliver();
    expect(refundsOf(one)).toMatchObject([
      { amount: 2_900, status: 'failed' },
      { amount: 2_900, status: 'succeeded' },
    ]);
    expect(await stateOf(one)).toBe('returned');
    expect(await sweep()).toEqual({ settled: 0, waiting: [], failed: [] });
  });

  it('a second payment whose refund fails is refunded once more by the one event that reports the failure', async () => {
    const one = await paidTwice();
    await money.deliver();
    await failRefund(one);
    await money.deliver(money.events().filter(({ type }) => type === 'refund.failed'));
    expect(refundsOf(one).map(({ status }) => status)).toEqual(['failed', 'succeeded']);
    expect(await stateOf(one)).toBe('returned');
  });

  it('a second payment whose refund fails twice needs a person, and every sweep reports it until it is returned by hand', async () => {
    const one = await paidTwice();
    await money.deliver();
    await failRefund(one);
    await money.deliver();
    await failRefund(one);
    await money.deliver();
    expect(refundsOf(one).map(({ status }) => status)).toEqual(['failed', 'failed']);
    expect(await stateOf(one)).toBe('for_person');
    for (const _ of ['once', 'and again']) {
      const { failed } = await sweep();
      expect(failed.map(({ error }) => String(error))).toEqual([
        `ReturnNeedsPerson: The refunds of payment ${one.second} failed. Return $29.00 by hand.`,
      ]);
    }
    expect(refundsOf(one)).toHaveLength(2);
    await money.stripe.refunds.create({ payment_intent: one.second });
    await money.deliver();
    expect(await stateOf(one)).toBe('returned');
    expect(await sweep()).toEqual({ settled: 0, waiting: [], failed: [] });
  });

  it('a second payment with a manual refund of $1 is returned by a refund of the other $28', async () => {
    const one = await paidTwice();
    await money.stripe.refunds.create({ payment_intent: one.second, amount: 100 });
    await money.deliver();
    expect(refundsOf(one)).toMatchObject([{ amount: 100 }, { amount: 2_800, status: 'succeeded' }]);
    expect(await stateOf(one)).toBe('returned');
    await expectSoundMoney(money, one.customerId);
  });

  it('a second payment disputed before its return blocks further charges, and every event is processed', async () => {
    const one = await paidTwice();
    const dispute = await openDispute(one);
    const applied = await money.deliver();
    expect(applied.filter(({ outcome }) => outcome === 'parked')).toEqual([]);
    expect((await headOf(deps, one.customerId)).openDisputes).toEqual([dispute]);
    const next = await recordedFix(deps, one.customerId, 2);
    expect(await billFixAttempt(deps, one.customerId, next)).toMatchObject({
      kind: 'blocked',
      code: 'account_disputed',
    });
    // The dispute has returned the money. Nothing is left to refund, and the sweeper does not fail.
    expect(refundsOf(one)).toEqual([]);
    expect(await stateOf(one)).toBe('returned');
    expect(await sweep()).toEqual({ settled: 0, waiting: [], failed: [] });
  });

  it('a second payment partly taken by a dispute waits for the dispute, without a failure', async () => {
    const one = await paidTwice();
    const dispute = await openDispute(one, { amount: 900 });
    await money.deliver();
    expect(await stateOf(one)).toBe('returning');
    expect(await sweep()).toMatchObject({ settled: 0, waiting: [{ item: { id: one.second } }], failed: [] });
    expect(refundsOf(one)).toEqual([]);
    expect((await headOf(deps, one.customerId)).openDisputes).toEqual([dispute]);
  });

  it('a second payment returned by a dispute is refunded when the dispute is won', async () => {
    const one = await paidTwice();
    await money.control('switches', { won_charge_refundable: 'yes' });
    const dispute = await openDispute(one);
    await money.deliver();
    expect(await stateOf(one)).toBe('returned');
    await money.control(`disputes/${dispute}/close`, { status: 'won' });
    await money.deliver();
    expect(refundsOf(one)).toMatchObject([{ amount: 2_900, status: 'succeeded' }]);
    expect(await stateOf(one)).toBe('returned');
    await expectSoundMoney(money, one.customerId);
  });

  it('a second payment returned by a dispute needs a person when it is won and Stripe refunds nothing after it', async () => {
    const one = await paidTwice();
    await money.control('switches', { won_charge_refundable: 'no' });
    const dispute = await openDispute(one);
    await money.deliver();
    await money.control(`disputes/${dispute}/close`, { status: 'won' });
    const applied = await money.deliver();
    expect(applied.filter(({ outcome }) => outcome === 'parked')).toEqual([]);
    expect(refundsOf(one)).toEqual([]);
    expect(await stateOf(one)).toBe('for_person');
  });

  it('a second payment under an inquiry is refunded at once, because an inquiry takes no money', async () => {
    const one = await paidTwice();
    await openDispute(one, { inquiry: true });
    await money.deliver();
    expect(refundsOf(one)).toMatchObject([{ amount: 2_900, status: 'succeeded' }]);
    expect(await stateOf(one)).toBe('returned');
  });

  it('a second payment is refunded once by two concurrent calls', async () => {
    const one = await paidTwice();
    await money.control('faults', { path: '/v1/refunds', method: 'POST', kind: '500_before', times: 9 });
    await money.deliver();
    expect(await stateOf(one)).toBe('returning');
    await money.control('faults/clear');
    const both = [1, 2].map(() => returnDoublePayment(deps, one.customerId, one.second));
    expect(await Promise.all(both)).toEqual(['finished', 'finished']);
    expect(refundsOf(one)).toMatchObject([{ amount: 2_900 }]);
    expect(reports.filter((one) => JSON.stringify(one).includes('double_payment_returned'))).toHaveLength(1);
  });
});
