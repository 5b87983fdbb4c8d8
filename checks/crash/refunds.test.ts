import { afterAll, beforeAll, expect, it } from 'vitest';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { recordedFix } from '../../test/support/customers.ts';
import { atStripe, eventsAbout } from '../../test/support/http-money.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money } from '../../test/support/money.ts';
import { everyCrash, openCrashes } from './every-crash.ts';

let money: Money;
let stop: () => Promise<void>;
beforeAll(async () => {
  ({ money, stop } = await openCrashes());
});
afterAll(() => stop());

/** The newest event of a type about a customer, as Stripe sends it. */
function newest(customerId: string, type: string): string {
  const event = eventsAbout(money, customerId).findLast((one) => one.type === type);
  if (event === undefined) throw new Error(`no ${type}`);
  return JSON.stringify(event);
}

it('returning the second payment of a fix, killed at any call, refunds that payment once and in full', async () => {
  const { calls } = await everyCrash(money, {
    prepare: async () => {
      const { customerId, stripeCustomerId } = await customerWithCard(money, 1);
      const fixId = await recordedFix(money.deps, customerId, 1);
      await billFixAttempt(money.deps, customerId, fixId);
      const { paymentMethodId } = await headOf(money.deps, customerId);
      // As if an earlier attempt had been paid just before it was ended.
      await money.stripe.paymentIntents.create({
        amount: 2_900,
        currency: 'usd',
        customer: stripeCustomerId,
        payment_method: paymentMethodId ?? '',
        confirm: true,
        off_session: true,
        allowed_payment_method_types: ['card'],
        metadata: { purpose: 'fix', customer_id: customerId, fix_attempt_id: fixId, attempt: '1' },
      });
      const event = newest(customerId, 'payment_intent.succeeded');
      return { command: { kind: 'webhook', event }, customerId };
    },
    check: async ({ customerId }) => {
      const { refunds, paid } = atStripe(money, customerId);
      expect(paid).toEqual([2_900]);
      expect(refunds.map(({ amount, status }) => [amount, status])).toEqual([[2_900, 'succeeded']]);
      const { head } = await expectSoundMoney(money, customerId);
      expect(head.balance).toBe(0);
    },
    leavesWork: true,
    isReport: true,
  });
  expect(calls).toContain('POST /v1/refunds');
});

it('taking credits back for money that Stripe returned, killed at any call, takes them once', async () => {
  const { calls } = await everyCrash(money, {
    prepare: async () => {
      const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
      await money.stripe.subscriptions.create({
        customer: stripeCustomerId,
        items: [{ price: money.priceId }],
        off_session: true,
        metadata: { purpose: 'pro', customer_id: customerId, attempt: '1' },
      });
      await money.deliver(eventsAbout(money, customerId));
      const [payment] = atStripe(money, customerId).payments;
      await money.stripe.refunds.create({ payment_intent: payment?.id ?? '', amount: 29_950 });
      return { command: { kind: 'webhook', event: newest(customerId, 'charge.refunded') }, customerId };
    },
    check: async ({ customerId }) => {
      await expectSoundMoney(money, customerId);
      expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 35, debt: 0 });
    },
  });
  expect(calls.some((call) => call.startsWith('GET /v1/refunds'))).toBe(true);
});
