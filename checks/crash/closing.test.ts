import { afterAll, beforeAll, expect, it } from 'vitest';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { recordFixAttempt } from '../../lib/operations/fixes/record-fix-attempt.ts';
import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import { recordedFix } from '../../test/support/customers.ts';
import { newFix } from '../../test/support/fixtures.ts';
import { atStripe } from '../../test/support/http-money.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money } from '../../test/support/money.ts';
import { everyCrash, openCrashes } from './every-crash.ts';

let money: Money;
let stop: () => Promise<void>;
beforeAll(async () => {
  ({ money, stop } = await openCrashes());
});
afterAll(() => stop());

it('closing an account that is killed at any call ends in an account that is closed whole, here and at Stripe', async () => {
  const { calls } = await everyCrash(money, {
    prepare: async () => {
      const { customerId } = await customerWithCard(money, 0);
      await billFixAttempt(money.deps, customerId, await recordedFix(money.deps, customerId, 1));
      await subscribeToPro(money.deps, customerId, null);
      await recordFixAttempt(money.deps, customerId, { ...newFix(2), prTitle: 'Fix by Jane Doe' });
      return { command: { kind: 'close', customerId }, customerId };
    },
    check: async ({ customerId }) => {
      const head = await headOf(money.deps, customerId);
      expect(head).toMatchObject({ name: '', email: '', paymentMethodId: null, activeKeys: 0 });
      expect(head.closedAt).not.toBeNull();
      const { customers, subscriptions, paid } = atStripe(money, customerId);
      expect(customers.map(({ name, email }) => [name, email])).toEqual([[null, null]]);
      expect(subscriptions.map(({ status }) => status)).toEqual(['canceled']);
      expect(paid).toEqual([59_900, 2_900]);
      await expectSoundMoney(money, customerId);
    },
    leavesWork: true,
  });
  expect(calls.some((call) => call.startsWith('DELETE /v1/subscriptions/'))).toBe(true);
});
