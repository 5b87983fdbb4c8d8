import { afterAll, beforeAll, expect, it } from 'vitest';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { recordFixAttempt } from '../../lib/operations/fixes/record-fix-attempt.ts';
import { settleInvoice } from '../../lib/operations/plans/settle-invoice.ts';
import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import { recordedFix } from '../../test/support/customers.ts';
import { newFix } from '../../test/support/fixtures.ts';
import { atStripe } from '../../test/support/http-money.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money } from '../../test/support/money.ts';
import { type Crashes, everyCrash, openCrashes } from './every-crash.ts';

let crashes: Crashes;
let money: Money;
beforeAll(async () => {
  crashes = await openCrashes();
  ({ money } = crashes);
});
afterAll(() => crashes.stop());

/** A second Pro subscription that a person creates at Stripe. */
async function subscribeInDashboard(customerId: string, customer: string): Promise<void> {
  const items = [{ price: money.priceId }];
  const { latest_invoice } = await money.stripe.subscriptions.create({ customer, items, off_session: true });
  await settleInvoice(money.deps, customerId, String(latest_invoice), { syncs: customer });
}

it('closing an account with two Pro subscriptions, killed at any call, ends with the account closed here and at Stripe', async () => {
  const { calls } = await everyCrash(crashes, {
    prepare: async () => {
      const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
      await billFixAttempt(money.deps, customerId, await recordedFix(money.deps, customerId, 1));
      await subscribeToPro(money.deps, customerId, null);
      await subscribeInDashboard(customerId, stripeCustomerId);
      await recordFixAttempt(money.deps, customerId, { ...newFix(2), prTitle: 'Fix by Jane Doe' });
      return { command: { kind: 'close', customerId }, customerId };
    },
    check: async ({ customerId }) => {
      const head = await headOf(money.deps, customerId);
      expect(head).toMatchObject({ name: '', email: '', paymentMethodId: null, activeKeys: 0 });
      expect(head.closedAt).not.toBeNull();
      const { customers, subscriptions, paid } = atStripe(money, customerId);
      expect(customers.map(({ name, email }) => [name, email])).toEqual([[null, null]]);
      expect(subscriptions.map(({ status }) => status)).toEqual(['canceled', 'canceled']);
      expect(paid).toEqual([59_900, 59_900, 2_900]);
      await expectSoundMoney(money, customerId);
    },
    leavesWork: true,
    namedUntilThen: /^concurrent subscriptions: |^the card on file is pm_\w+, Stripe's default is none/,
  });
  expect(calls.filter((call) => call.startsWith('DELETE /v1/subscriptions/'))).toHaveLength(2);
});
