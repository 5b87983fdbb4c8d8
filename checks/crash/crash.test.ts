import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monthOf } from '../../lib/domain/payments/spending.ts';
import { changeSpendingLimit } from '../../lib/operations/accounts/change-spending-limit.ts';
import { readSpending } from '../../lib/store/payments/spending.ts';
import { recordedFix } from '../../test/support/customers.ts';
import { customerWith } from '../../test/support/fixtures.ts';
import { atStripe } from '../../test/support/http-money.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money } from '../../test/support/money.ts';
import { type Crashes, DEATHS_PER_CALL, everyCrash, openCrashes } from './every-crash.ts';

let crashes: Crashes;
let money: Money;
beforeAll(async () => {
  crashes = await openCrashes();
  ({ money } = crashes);
});
afterAll(() => crashes.stop());

describe('commands killed at every call', () => {
  it('billing a fix by card, killed at any call, charges once, bills once and leaves nothing stuck', async () => {
    const { crashes: deaths, calls } = await everyCrash(crashes, {
      prepare: async () => {
        const { customerId, apiKey } = await customerWithCard(money, 0);
        return {
          command: { kind: 'bill', apiKey, fixId: await recordedFix(money.deps, customerId, 1) },
          customerId,
        };
      },
      check: async ({ customerId }) => {
        expect(atStripe(money, customerId).paid).toEqual([2_900]);
        const { head } = await expectSoundMoney(money, customerId);
        expect(head.balance).toBe(0);
      },
    });
    expect(calls.filter((call) => call.includes('/v1/payment_intents'))).toHaveLength(1);
    expect(deaths).toBe(calls.length * DEATHS_PER_CALL);
  });

  it('billing a fix at the limit, killed at any call while the limit is lowered, charges at most once, and the month counts what was paid', async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: async () => {
        const { customerId, apiKey } = await customerWithCard(money, 0);
        await changeSpendingLimit(money.deps, customerId, 2_900);
        const fixId = await recordedFix(money.deps, customerId, 1);
        return { command: { kind: 'bill', apiKey, fixId }, customerId };
      },
      meanwhile: async ({ customerId }) => {
        await changeSpendingLimit(money.deps, customerId, 0);
      },
      check: async ({ customerId }) => {
        const { paid } = atStripe(money, customerId);
        const spending = await readSpending(money.deps.table, customerId, monthOf(new Date()));
        expect([[], [2_900]]).toContainEqual(paid);
        expect(spending).toMatchObject({
          committedCents: paid.length * 2_900,
          spentCents: paid.length * 2_900,
          awaitingCents: 0,
        });
        await expectSoundMoney(money, customerId);
      },
      // Announced before the limit was lowered, or refused after it.
      answers: [200, 402],
    });
    expect(calls).toContain('POST /v1/payment_intents');
  });

  it('subscribing to Pro, killed at any call, makes one subscription and one payment, and grants 60 credits once', async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: async () => {
        const { customerId, apiKey } = await customerWithCard(money, 5);
        return { command: { kind: 'subscribe', apiKey }, customerId };
      },
      check: async ({ customerId }) => {
        const { paid, subscriptions } = atStripe(money, customerId);
        expect(subscriptions.map(({ status }) => status)).toEqual(['active']);
        expect(paid).toEqual([59_900]);
        await expectSoundMoney(money, customerId);
        expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 65, subscriptionType: 'pro' });
      },
    });
    expect(calls).toContain('POST /v1/subscriptions');
  });

  it('adding a card, killed at any call, makes one Stripe customer, attaches the card and grants the bonus once', async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: async () => {
        const { head, apiKey } = await customerWith(money.deps, 5);
        // Each customer has a distinct card, so each earns the bonus.
        const card = await money.newCard();
        return { command: { kind: 'add_card', apiKey, card }, customerId: head.customerId };
      },
      check: async ({ customerId }) => {
        expect(atStripe(money, customerId).customers).toHaveLength(1);
        await expectSoundMoney(money, customerId);
        const head = await headOf(money.deps, customerId);
        expect(head).toMatchObject({ balance: 10, subscriptionType: 'pay_as_you_go' });
        expect(head.paymentMethodId).toMatch(/^pm_/);
      },
      // A default card known only to Stripe is drift until the client retries or Stripe's event arrives.
      namedUntilThen: /^the card on file is none, Stripe's default is pm_/,
    });
    expect(calls).toContain('POST /v1/customers');
  });
});
