import { beforeEach, expect, it } from 'vitest';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { billWaiting } from '../../../lib/operations/fixes/bill-waiting.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { decodeFix } from '../../../lib/store/fix-attempts.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether } from '../../../lib/store/table.ts';
import type { StripePort } from '../../../lib/stripe/port.ts';
import { recordedFix } from '../../support/customers.ts';
import { range } from '../../support/fixtures.ts';
import {
  customerWithCard,
  expectSoundMoney,
  headOf,
  type Money,
  openMoneyForFile,
} from '../../support/money.ts';
import { answering, failing } from '../../support/stripe-answers.ts';

/* One click bills the waiting fixes, one after the other. */

let money: Money;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ money } = opened);
  return opened.stop;
});

/** A customer without credits, with recorded fixes. */
async function waiting(count: number, card?: string) {
  const { customerId } = await customerWithCard(money, 0, card);
  const ids = await Promise.all(range(1, count).map((pr) => recordedFix(money.deps, customerId, pr)));
  const fixes = async () => {
    const found = await readTogether(
      money.deps.table,
      ids.map((id) => keys.fix(customerId, id)),
    );
    return found.flatMap((item) => (item === undefined ? [] : [decodeFix(item)]));
  };
  /** The outcomes of a click, and the number of fixes that are left. */
  const click = async (deps: PaymentDeps = money.deps, mostCents = 1_000_000) => {
    const { results, left } = await billWaiting(deps, customerId, await fixes(), mostCents);
    return [...results.map(({ outcome }) => outcome.kind), left.length];
  };
  return { customerId, ids, fixes, click };
}

/** Stripe charges the first `count` fixes. After that, it answers a charge like this. */
async function chargingOnly(count: number, answer: StripePort['chargeFix']): Promise<PaymentDeps> {
  let charged = 0;
  return answering(money.deps, (port) => ({
    chargeFix: (order) => (charged++ < count ? port.chargeFix(order) : answer(order)),
  }));
}

it('billing waiting fixes never charges more in total than the person agreed to', async () => {
  const { customerId, fixes, click } = await waiting(2);
  expect(await click(money.deps, 2_900)).toEqual(['billed', 'costs_more', 0]);
  // Nothing was announced for the second fix.
  expect((await fixes()).map(({ charge }) => charge?.amountCents)).toEqual([2_900, undefined]);
  await expectSoundMoney(money, customerId);
});

it('a fix that another click has billed already uses up nothing of what the person agreed to', async () => {
  const { customerId, ids, click } = await waiting(2);
  await billFixAttempt(money.deps, customerId, ids[0] ?? '');
  expect(await click(money.deps, 2_900)).toEqual(['billed', 'billed', 0]);
});

it('a fix that waits for its approval does not hold up the others, and a fix that the bank asks about now does', async () => {
  const { customerId, ids, fixes, click } = await waiting(3, 'pm_card_authenticationRequired');
  await billFixAttempt(money.deps, customerId, ids[0] ?? '');
  expect((await fixes())[0]?.charge?.state).toBe('action_required');
  expect(await click()).toEqual(['action_required', 'action_required', 1]);
  expect((await fixes())[2]?.charge).toBeNull();
});

it('a click on waiting fixes does not wait after a decline of the card', async () => {
  const { customerId, ids, click } = await waiting(1, await money.newCard('tok_chargeCustomerFail'));
  await billFixAttempt(money.deps, customerId, ids[0] ?? '');
  expect(await billFixAttempt(money.deps, customerId, ids[0] ?? '')).toMatchObject({ kind: 'not_tried' });
  expect(await click()).toEqual(['declined', 0]);
});

it('a click bills at most five waiting fixes, and the next click the others', async () => {
  const { click } = await waiting(6);
  expect(await click()).toEqual([...range(1, 5).map(() => 'billed'), 1]);
});

it('a click on waiting fixes begins no other fix once 12 seconds have passed', async () => {
  const { customerId, click } = await waiting(4);
  let nowMs = Date.now();
  const slow = await answering({ ...money.deps, now: () => new Date(nowMs) }, (port) => ({
    chargeFix: async (order) => {
      nowMs += 6_000;
      return port.chargeFix(order);
    },
  }));
  // After exactly 12 seconds the third fix still begins.
  expect(await click(slow)).toEqual(['billed', 'billed', 'billed', 1]);
  await expectSoundMoney(money, customerId);
});

it('a click on waiting fixes reports what it bills with credits and what is blocked', async () => {
  const { customerId, ids, click } = await waiting(2);
  const { paymentMethodId } = await headOf(money.deps, customerId);
  await money.stripe.paymentMethods.detach(paymentMethodId ?? '');
  const gift = { amount: 1, reason: 'r', actor: 'tests', idempotencyKey: 'gift' };
  await adjustCredits(money.deps, customerId, gift);
  const reports: BusinessEvent[] = [];
  const deps = { ...money.deps, report: (happened: BusinessEvent) => reports.push(happened) };
  expect(await click(deps)).toEqual(['billed', 'blocked', 0]);
  expect(reports.filter(({ kind }) => kind.startsWith('fix_'))).toEqual([
    { kind: 'fix_billed', customerId, fixAttemptId: ids[0] },
    { kind: 'fix_blocked', customerId, fixAttemptId: ids[1], code: 'no_billing_info' },
  ]);
});

it('a charge without an outcome ends the click as pending, and the other fixes are left', async () => {
  const { click, fixes } = await waiting(3);
  expect(await click(await chargingOnly(1, failing('transient')))).toEqual(['billed', 'pending', 1]);
  expect((await fixes()).map(({ charge }) => charge?.state)).toEqual(['closed', 'charging', undefined]);
});

it('a failure of Stripe is reported if it meets the first fix, and otherwise leaves the others for the next click', async () => {
  const { click } = await waiting(3);
  const broken = await chargingOnly(0, failing('misconfigured'));
  await expect(click(broken)).rejects.toMatchObject({ code: 'payments_misconfigured' });
  expect(await click(await chargingOnly(1, failing('misconfigured')))).toEqual(['billed', 2]);
  expect(await click()).toEqual(['billed', 'billed', 'billed', 0]);
});

it('a defect that meets any waiting fix is not hidden', async () => {
  const { click } = await waiting(2);
  const defect = new TypeError('a defect');
  await expect(click(await chargingOnly(1, () => Promise.reject(defect)))).rejects.toBe(defect);
});
