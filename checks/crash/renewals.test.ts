import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import { syncAccount } from '../../lib/operations/plans/sync-account.ts';
import { atStripe } from '../../test/support/http-money.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money } from '../../test/support/money.ts';
import { type Crashes, everyCrash, openCrashes, type Subject } from './every-crash.ts';

let crashes: Crashes;
let money: Money;
beforeAll(async () => {
  crashes = await openCrashes();
  ({ money } = crashes);
});
afterAll(() => crashes.stop());

/** A Pro customer with 60 credits and an unpaid newest period: the subscription's own card declines. */
async function pastDue() {
  const who = await customerWithCard(money, 0, await money.newCard());
  await subscribeToPro(money.deps, who.customerId, null);
  const { id: declining } = await money.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', {
    customer: who.stripeCustomerId,
  });
  const [subscription] = atStripe(money, who.customerId).subscriptions;
  // The new period begins now, because all customers share the clock and it cannot advance a month.
  const { status } = await money.stripe.subscriptions.update(subscription?.id ?? '', {
    default_payment_method: declining,
    billing_cycle_anchor: { type: 'now' },
    proration_behavior: 'none',
  });
  expect(status).toBe('past_due');
  await syncAccount(money.deps, who.customerId);
  return who;
}

/** Both periods are paid once, each with its credits, and no invoice is open. */
async function expectRenewed({ customerId }: Subject): Promise<void> {
  const { paid, subscriptions, invoices } = atStripe(money, customerId);
  expect(paid).toEqual([59_900, 59_900]);
  expect(subscriptions.map(({ status }) => status)).toEqual(['active']);
  expect(invoices.map(({ status }) => status)).toEqual(['paid', 'paid']);
  await expectSoundMoney(money, customerId);
  expect(await headOf(money.deps, customerId)).toMatchObject({
    balance: 120,
    subscriptionType: 'pro',
    subscription: { state: 'active' },
  });
}

const isPayment = (call: string) => /^POST \/v1\/invoices\/in_\w+\/pay$/.test(call);

describe('a customer who is past due, killed at every call', () => {
  it('adding a card while past due, killed at any call, pays the newest open invoice once, with its credits', async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: async () => {
        const { customerId, apiKey } = await pastDue();
        return { command: { kind: 'add_card', apiKey, card: await money.newCard() }, customerId };
      },
      check: expectRenewed,
      // The calls before are the same for every card, and another saga covers them.
      from: (call) => call.startsWith('POST /v1/customers/'),
      namedUntilThen: /^the card on file is pm_\w+, Stripe's default is pm_/,
    });
    expect(calls.filter(isPayment)).toHaveLength(1);
  });

  it('subscribing while past due, killed at any call, pays the newest open invoice and makes no second subscription', async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: async () => {
        const { customerId, apiKey } = await pastDue();
        return { command: { kind: 'subscribe', apiKey }, customerId };
      },
      check: expectRenewed,
    });
    expect(calls.filter(isPayment)).toHaveLength(1);
  });
});
