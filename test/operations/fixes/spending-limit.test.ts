import { beforeEach, describe, expect, it } from 'vitest';
import { monthOf, reservedCents } from '../../../lib/domain/payments/spending.ts';
import { BillingError, PROBLEMS } from '../../../lib/errors.ts';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { changeSpendingLimit } from '../../../lib/operations/accounts/change-spending-limit.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import type { FixBilling } from '../../../lib/operations/fixes/decide-step.ts';
import { settleFixPayment } from '../../../lib/operations/fixes/record-payment.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { changeLedger } from '../../../lib/operations/ledger/change-ledger.ts';
import { returnDoublePayment, reviewReturn } from '../../../lib/operations/payments/return-double-payment.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { announceReturn, readDoublePayment } from '../../../lib/store/payments/double-payments.ts';
import { readSpending } from '../../../lib/store/payments/spending.ts';
import { writeTogether } from '../../../lib/store/table.ts';
import { StripeFault } from '../../../lib/stripe/fault.ts';
import { fixMetadata } from '../../../lib/stripe/readers/payments.ts';
import { expectSoundLedger, markClosed, recordedFix } from '../../support/customers.ts';
import { range } from '../../support/fixtures.ts';
import {
  customerWithCard,
  expectSoundMoney,
  headOf,
  type Money,
  openMoneyForFile,
} from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { readingOldItem } from '../../support/old-item.ts';
import { answering, failing } from '../../support/stripe-answers.ts';

/* The spending limit of a month: what is reserved, spent and released. */

const HOUR_MS = 60 * 60 * 1000;
const AGED_MS = 3 * 60 * 1000;

let money: Money;
let reports: { readonly kind: string }[];
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ money } = opened);
  reports = [];
  Object.assign(money.deps, { report: (happened: { readonly kind: string }) => reports.push(happened) });
  return opened.stop;
});

const at = (time: number): PaymentDeps => ({ ...money.deps, now: () => new Date(time) });

async function customer(limitCents: number | null, card?: string) {
  const { customerId, stripeCustomerId } = await customerWithCard(money, 0, card ?? (await money.newCard()));
  await changeSpendingLimit(money.deps, customerId, limitCents);
  return { customerId, stripeCustomerId };
}

const recordAll = (customerId: string, count: number) =>
  Promise.all(range(1, count).map((pr) => recordedFix(money.deps, customerId, pr)));

/** The sums of a month: reserved, spent, waiting for a cardholder. */
async function month(customerId: string, when = money.deps.now()) {
  const spending = await readSpending(money.deps.table, customerId, monthOf(when));
  return [reservedCents(spending), spending.spentCents, spending.awaitingCents];
}

/** Repeats a call while it answers 503. */
async function untilAnswered(deps: PaymentDeps, customerId: string, fixId: string): Promise<FixBilling> {
  for (;;) {
    try {
      return await billFixAttempt(deps, customerId, fixId);
    } catch (error) {
      const isBusy = error instanceof BillingError && PROBLEMS[error.code].status === 503;
      if (!isBusy) throw error;
    }
  }
}

const codeOf = (billing: FixBilling): string => ('code' in billing ? billing.code : billing.kind);

const count = (all: readonly string[], one: string) => all.filter((other) => other === one).length;

const intents = () => money.double.state.paymentIntents.newestFirst.length;

describe('many calls at a limit', () => {
  // SPENDING_CALLS=500 npm test -- test/operations/fixes/spending-limit.test.ts runs the whole 500.
  const CALLS = Number(process.env['SPENDING_CALLS'] ?? 60);

  it(`of ${CALLS} concurrent calls of $29.00 at a limit of $290.00, each repeated while it answers 503, exactly 10 charge`, async () => {
    const { customerId } = await customer(29_000);
    const fixes = await recordAll(customerId, CALLS);
    const answers = await Promise.all(fixes.map((id) => untilAnswered(money.deps, customerId, id)));
    const codes = answers.map(codeOf);
    expect([count(codes, 'billed'), count(codes, 'spending_limit_reached')]).toEqual([10, CALLS - 10]);
    expect(intents()).toBe(10);
    expect(await month(customerId)).toEqual([0, 29_000, 0]);
    await expectSoundMoney(money, customerId);
  }, 600_000);

  it('a limit that is lowered during concurrent calls binds every charge that is announced after it', async () => {
    const { customerId } = await customer(29_000);
    const fixes = await recordAll(customerId, 30);
    const calls = fixes.map((id) => untilAnswered(money.deps, customerId, id));
    await Promise.race(calls);
    await changeSpendingLimit(money.deps, customerId, 0);
    // Read after the change. The change's own answer may be older than an announcement just before it.
    const spending = await readSpending(money.deps.table, customerId, monthOf(money.deps.now()));
    const codes = (await Promise.all(calls)).map(codeOf);
    // Nothing was added to the month after the change.
    expect(count(codes, 'billed') * 2_900).toBe(spending.committedCents);
    expect(await month(customerId)).toEqual([0, spending.committedCents, 0]);
    await expectSoundMoney(money, customerId);
  }, 60_000);

  it('letters at 50, 80 and 100 percent are written once each, also with concurrent charges', async () => {
    const { customerId } = await customer(29_000);
    const fixes = await recordAll(customerId, 14);
    await Promise.all(fixes.map((id) => untilAnswered(money.deps, customerId, id)));
    const near = await noticeContentsOf(money.deps, customerId, 'limit_near');
    const facts = { limitCents: 29_000, renewsAt: expect.stringMatching(/-01T00:00:00\.000Z$/) };
    expect(near).toHaveLength(2);
    expect(near).toContainEqual({ kind: 'limit_near', percent: 50, committedCents: 14_500, ...facts });
    expect(near).toContainEqual({ kind: 'limit_near', percent: 80, committedCents: 23_200, ...facts });
    const reached = { kind: 'limit_reached', committedCents: 29_000, ...facts };
    expect(await noticeContentsOf(money.deps, customerId, 'limit_reached')).toEqual([reached]);
  });

  /**
   * Bills a fix of a customer with these charges. Its call reads the month's sum before the charge of another
   * fix is announced, and the tries of the card after it.
   */
  async function billWithOldSum(customerId: string, charges: number) {
    const [own = '', other = '', ...paid] = await recordAll(customerId, charges + 2);
    for (const id of paid) await billFixAttempt(money.deps, customerId, id);
    await changeSpendingLimit(money.deps, customerId, 29_000);
    const silent = await answering(money.deps, () => ({ chargeFix: failing('indeterminate') }));
    return readingOldItem(
      money.deps.table,
      { old: 'SPENDING#', beside: 'CARD_TRIES' },
      () => expect(billFixAttempt(silent, customerId, other)).rejects.toBeInstanceOf(BillingError),
      () => billFixAttempt(money.deps, customerId, own),
    );
  }

  it('the limit is not exceeded by a charge that read the sum before another charge', async () => {
    // The letter that this limit is reached was written, so its condition cannot refuse the charge.
    const { customerId } = await customer(9 * 2_900);
    const billing = await billWithOldSum(customerId, 9);
    expect(billing).toMatchObject({ kind: 'blocked', code: 'spending_limit_reached' });
    expect(await month(customerId)).toEqual([2_900, 26_100, 0]);
  });

  it('the charge that reaches the limit writes its letter, also if it read the sum before another charge', async () => {
    const { customerId } = await customer(29_000);
    const billing = await billWithOldSum(customerId, 8);
    expect(billing).toMatchObject({ kind: 'billed', already: false });
    expect(await month(customerId)).toEqual([2_900, 26_100, 0]);
    expect(await noticeContentsOf(money.deps, customerId, 'limit_reached')).toMatchObject([
      { committedCents: 29_000 },
    ]);
  });
});

describe('the limit', () => {
  it('a new customer has a limit of $2,900.00, and a changed limit sends a letter', async () => {
    const { customerId } = await customerWithCard(money, 0);
    expect((await headOf(money.deps, customerId)).spendingLimitCents).toBe(290_000);
    await changeSpendingLimit(money.deps, customerId, 290_000);
    expect(await noticeContentsOf(money.deps, customerId, 'limit_changed')).toEqual([]);
    await changeSpendingLimit(money.deps, customerId, null);
    expect(await noticeContentsOf(money.deps, customerId, 'limit_changed')).toMatchObject([
      { fromCents: 290_000, toCents: null },
    ]);
  });

  it('the limit of a closed account cannot be changed', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await markClosed(money.deps, customerId);
    await expect(changeSpendingLimit(money.deps, customerId, 0)).rejects.toMatchObject({
      code: 'account_closed',
    });
  });

  it('a limit of 0 never charges, no limit always does, and credits are usable at any limit', async () => {
    const { customerId } = await customer(0);
    const [first = '', second = ''] = await recordAll(customerId, 2);
    const blocked = { kind: 'blocked', code: 'spending_limit_reached', reasons: ['spending_limit_reached'] };
    expect(await billFixAttempt(money.deps, customerId, first)).toMatchObject(blocked);
    expect(await noticeContentsOf(money.deps, customerId, 'fix_blocked')).toMatchObject([
      { reason: 'spending_limit_reached' },
    ]);
    const gift = { amount: 1, reason: 'test', actor: 'tests', idempotencyKey: 'gift' };
    await adjustCredits(money.deps, customerId, gift);
    expect(await billFixAttempt(money.deps, customerId, first)).toMatchObject({
      billed: { outcome: 'credit_consumed' },
    });
    await changeSpendingLimit(money.deps, customerId, null);
    expect(await billFixAttempt(money.deps, customerId, second)).toMatchObject({ kind: 'billed' });
    expect([intents(), ...(await month(customerId))]).toEqual([1, 0, 2_900, 0]);
  });

  it('a charge announced before the limit was lowered is completed', async () => {
    const { customerId } = await customer(2_900);
    const [id = ''] = await recordAll(customerId, 1);
    const silent = await answering(money.deps, () => ({ chargeFix: failing('indeterminate') }));
    await expect(billFixAttempt(silent, customerId, id)).rejects.toMatchObject({ code: 'payment_pending' });
    await changeSpendingLimit(money.deps, customerId, 0);
    expect(await month(customerId)).toEqual([2_900, 0, 0]);
    expect(await billFixAttempt(money.deps, customerId, id)).toMatchObject({ kind: 'billed' });
    expect(await month(customerId)).toEqual([0, 2_900, 0]);
    // Its amount was reserved, so it is no payment above the limit.
    expect(reports.filter(({ kind }) => kind === 'paid_above_limit')).toEqual([]);
    await expectSoundMoney(money, customerId);
  });

  it('a charge counts in the month of its announcement, and the next month starts again', async () => {
    const lastMs = Date.parse(monthEnd(money.deps.now())) - 1_000;
    const { customerId } = await customer(2_900);
    const [first = '', second = ''] = await recordAll(customerId, 2);
    const silent = await answering(at(lastMs), () => ({ chargeFix: failing('indeterminate') }));
    await expect(billFixAttempt(silent, customerId, first)).rejects.toMatchObject({
      code: 'payment_pending',
    });
    const next = at(lastMs + 2_000);
    expect(await billFixAttempt(at(lastMs), customerId, second)).toMatchObject({
      code: 'spending_limit_reached',
    });
    expect(await billFixAttempt(next, customerId, second)).toMatchObject({ kind: 'billed' });
    expect(await billFixAttempt(next, customerId, first)).toMatchObject({ kind: 'billed' });
    expect(await month(customerId, new Date(lastMs))).toEqual([0, 2_900, 0]);
    expect(await month(customerId, next.now())).toEqual([0, 2_900, 0]);
    await expectSoundLedger(money.deps, customerId);
  });
});

const monthEnd = (now: Date): string =>
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)).toISOString();

describe('a charge that is not paid', () => {
  it('a declined charge releases its reserved amount', async () => {
    const { customerId } = await customer(2_900, await money.newCard('tok_chargeCustomerFail'));
    const [id = ''] = await recordAll(customerId, 1);
    expect(await billFixAttempt(money.deps, customerId, id)).toMatchObject({ kind: 'declined' });
    expect(await month(customerId)).toEqual([0, 0, 0]);
    await addPaymentMethod(money.deps, await headOf(money.deps, customerId), await money.newCard());
    expect(await billFixAttempt(money.deps, customerId, id)).toMatchObject({ kind: 'billed' });
    expect(await month(customerId)).toEqual([0, 2_900, 0]);
    await expectSoundMoney(money, customerId);
  });

  it('a charge that Stripe refused without a payment releases its reserved amount', async () => {
    const { customerId } = await customer(2_900);
    const [id = ''] = await recordAll(customerId, 1);
    const refusing = await answering(money.deps, () => ({
      chargeFix: failing('declined', { code: 'card_declined' }),
    }));
    expect(await billFixAttempt(refusing, customerId, id)).toMatchObject({ kind: 'declined' });
    expect(await month(customerId)).toEqual([0, 0, 0]);
  });

  it('a charge that waits for its cardholder stays reserved, until another card replaces it', async () => {
    const { customerId } = await customer(2_900, 'pm_card_authenticationRequired');
    const [id = '', other = ''] = await recordAll(customerId, 2);
    expect(await billFixAttempt(money.deps, customerId, id)).toMatchObject({ kind: 'action_required' });
    expect(await month(customerId)).toEqual([2_900, 0, 2_900]);
    expect(await billFixAttempt(money.deps, customerId, other)).toMatchObject({
      code: 'spending_limit_reached',
    });
    await expectSoundMoney(money, customerId);
    await addPaymentMethod(money.deps, await headOf(money.deps, customerId), await money.newCard());
    expect(await billFixAttempt(money.deps, customerId, id)).toMatchObject({ kind: 'billed' });
    expect(await month(customerId)).toEqual([0, 2_900, 0]);
    await expectSoundMoney(money, customerId);
  });

  it('a charge that was never made releases its reserved amount once it is looked up after 23 hours', async () => {
    const { customerId } = await customer(2_900);
    const [id = ''] = await recordAll(customerId, 1);
    const startMs = Date.now() - 24 * HOUR_MS;
    const silent = await answering(at(startMs), () => ({ chargeFix: failing('indeterminate') }));
    await expect(billFixAttempt(silent, customerId, id)).rejects.toMatchObject({ code: 'payment_pending' });
    expect(await month(customerId, new Date(startMs))).toEqual([2_900, 0, 0]);
    await settlePendingCharges(money.deps);
    expect(await month(customerId, new Date(startMs))).toEqual([0, 0, 0]);
    await expectSoundMoney(money, customerId);
  });

  it('the letter about a share of the limit is not written again after a charge is released', async () => {
    const { customerId } = await customer(5_800, await money.newCard('tok_chargeCustomerFail'));
    const [id = '', other = ''] = await recordAll(customerId, 2);
    const byPerson = { byPerson: true };
    await billFixAttempt(money.deps, customerId, id, undefined, byPerson);
    await billFixAttempt(money.deps, customerId, other, undefined, byPerson);
    expect(await noticeContentsOf(money.deps, customerId, 'limit_near')).toHaveLength(1);
  });
});

describe('a late payment', () => {
  /** A payment that Stripe made for the first attempt although the service closed the attempt. */
  async function late(limitCents: number) {
    const { customerId, stripeCustomerId } = await customer(2_900);
    const [id = ''] = await recordAll(customerId, 1);
    const before = at(Date.now() - AGED_MS);
    const silent = await answering(before, () => ({
      chargeFix: async () => {
        throw new StripeFault('indeterminate', {});
      },
    }));
    await expect(billFixAttempt(silent, customerId, id)).rejects.toMatchObject({ code: 'payment_pending' });
    await markClosed(money.deps, customerId);
    await settlePendingCharges(money.deps);
    expect(await month(customerId, announcedAt())).toEqual([0, 0, 0]);
    if (limitCents !== 2_900) await lower(customerId, limitCents);
    return { customerId, payment: await pay(customerId, stripeCustomerId, id, 1) };
  }

  /** Without `changeSpendingLimit`, which a closed account refuses. */
  async function lower(customerId: string, cents: number | null) {
    await changeLedger(money.deps, {
      customerId,
      relatedKeys: [],
      decodeRelated: () => null,
      decide: () => ({
        kind: 'write',
        profile: { spendingLimitCents: cents },
        writes: () => [],
        answer: () => null,
      }),
    });
  }

  async function pay(customerId: string, customerAtStripe: string, fixAttemptId: string, attempt: number) {
    const { paymentMethodId } = await headOf(money.deps, customerId);
    const intent = await money.stripe.paymentIntents.create({
      amount: 2_900,
      currency: 'usd',
      customer: customerAtStripe,
      payment_method: paymentMethodId ?? '',
      off_session: true,
      confirm: true,
      allowed_payment_method_types: ['card'],
      metadata: fixMetadata({ customerId, fixAttemptId, attempt }),
    });
    const payment = await (await money.deps.stripe()).readFixPayment(intent.id);
    if (payment === null) throw new Error('no payment');
    return payment;
  }

  const announcedAt = () => new Date(Date.now() - AGED_MS);
  const alarms = () => reports.filter(({ kind }) => kind === 'paid_above_limit').length;

  it('a late payment is settled and counted within the limit, without an alarm', async () => {
    const { customerId, payment } = await late(2_900);
    expect((await settleFixPayment(money.deps, payment)).settlement.kind).toBe('billed');
    expect([await month(customerId, announcedAt()), alarms()]).toEqual([[0, 2_900, 0], 0]);
    await expectSoundMoney(money, customerId);
  });

  it('a late payment above the limit is settled and counted, with one alarm', async () => {
    const { customerId, payment } = await late(2_899);
    expect((await settleFixPayment(money.deps, payment)).settlement.kind).toBe('billed');
    await settleFixPayment(money.deps, payment);
    expect([await month(customerId, announcedAt()), alarms()]).toEqual([[0, 2_900, 0], 1]);
    await expectSoundMoney(money, customerId);
  });

  it('a second payment counts until it is returned, counts again if its refund fails, and a refund gives no room back', async () => {
    const { customerId, stripeCustomerId } = await customer(5_800, 'pm_card_refundFail');
    const [id = ''] = await recordAll(customerId, 1);
    await billFixAttempt(money.deps, customerId, id);
    const second = await pay(customerId, stripeCustomerId, id, 2);
    const counted: number[][] = [];
    const noRefunds = await answering(money.deps, () => ({ refundPayment: failing('indeterminate') }));
    await settleFixPayment(noRefunds, second);
    counted.push(await month(customerId));
    await returnDoublePayment(money.deps, customerId, second.paymentIntentId);
    counted.push(await month(customerId));
    await expectSoundLedger(money.deps, customerId);
    // The bank returns the refund a moment later.
    await money.days(3);
    await reviewReturn(money.deps, customerId, second.paymentIntentId);
    counted.push(await month(customerId));
    await expectSoundLedger(money.deps, customerId);
    expect(counted).toEqual([
      [0, 5_800, 0],
      [0, 2_900, 0],
      [0, 5_800, 0],
    ]);
  });

  it.each([
    { limitCents: 5_799, expected: 1 },
    { limitCents: 5_800, expected: 0 },
    { limitCents: null, expected: 0 },
  ])('a refund that fails below the limit of $limitCents is counted with $expected alarms', async (row) => {
    const { customerId, stripeCustomerId } = await customer(5_800, 'pm_card_refundFail');
    const [id = ''] = await recordAll(customerId, 1);
    await billFixAttempt(money.deps, customerId, id);
    const second = await pay(customerId, stripeCustomerId, id, 2);
    await settleFixPayment(money.deps, second);
    await lower(customerId, row.limitCents);
    await money.days(3);
    reports.length = 0;
    await reviewReturn(money.deps, customerId, second.paymentIntentId);
    await reviewReturn(money.deps, customerId, second.paymentIntentId);
    expect([await month(customerId), alarms()]).toEqual([[0, 5_800, 0], row.expected]);
    await expectSoundLedger(money.deps, customerId);
  });

  it('a refund that fails for a payment without a month is counted in none, without an alarm', async () => {
    const { customerId } = await customer(0);
    const double = { fixAttemptId: 'f1', paymentIntentId: 'pi_2', amountCents: 2_900, spendingMonth: null };
    await writeTogether(money.deps.table, [announceReturn(customerId, double, money.deps.now())]);
    const returned = {
      refunds: [{ id: 're_1', amountCents: 2_900, state: 'succeeded', attempt: 1 }],
    } as const;
    const nothing = { refunds: [], disputedCents: 0, refusedBy: null };
    const whole = await answering(money.deps, () => ({
      readReturn: async () => ({ ...nothing, ...returned }),
    }));
    await returnDoublePayment(whole, customerId, 'pi_2');
    await reviewReturn(
      await answering(money.deps, () => ({ readReturn: async () => nothing })),
      customerId,
      'pi_2',
    );
    expect((await readDoublePayment(money.deps.table, customerId, 'pi_2'))?.state).toBe('returning');
    expect([await month(customerId), alarms()]).toEqual([[0, 0, 0], 0]);
  });
});
