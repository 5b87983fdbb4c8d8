import { beforeEach, describe, expect, it } from 'vitest';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { recordedFix } from '../../support/customers.ts';
import {
  customerWithCard,
  expectSoundMoney,
  headOf,
  type Money,
  openMoneyForFile,
} from '../../support/money.ts';

/* Cards and bank accounts of older integrations, which Stripe calls sources. */

let money: Money;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ money } = opened);
  return opened.stop;
});

/** A customer without credits who has only sources. The first one is the default. */
async function customerWithSources(...tokens: readonly string[]) {
  const who = await customerWithCard(money, 0, await money.newCard());
  const { paymentMethodId } = await headOf(money.deps, who.customerId);
  await money.stripe.paymentMethods.detach(paymentMethodId ?? '');
  const sources: string[] = [];
  for (const source of tokens) {
    const { id } = await money.stripe.customers.createSource(who.stripeCustomerId, { source });
    sources.push(id);
  }
  await money.deliver();
  return { ...who, sources };
}

const cardOf = async (customerId: string) => (await headOf(money.deps, customerId)).paymentMethodId;

const bill = async (customerId: string) =>
  billFixAttempt(money.deps, customerId, await recordedFix(money.deps, customerId, 1));

const remove = async (stripeCustomerId: string, source: string | undefined) => {
  await money.stripe.customers.deleteSource(stripeCustomerId, source ?? '');
  await money.deliver();
};

describe('the card on file', () => {
  it('the default source is the card on file without a default payment method, and pays fixes and Pro', async () => {
    const { customerId, sources } = await customerWithSources('tok_visa');
    expect(await cardOf(customerId)).toBe(sources[0]);
    expect(await bill(customerId)).toMatchObject({ kind: 'billed' });
    const [intent] = money.double.state.paymentIntents.newestFirst;
    expect(intent).toMatchObject({ status: 'succeeded', amount: 2_900, payment_method: sources[0] });
    expect((await subscribeToPro(money.deps, customerId, null)).head.subscriptionType).toBe('pro');
    await money.deliver();
    await expectSoundMoney(money, customerId);
  });

  it('the next source is the card on file once the default one is deleted at Stripe, but not a bank account', async () => {
    const sources = ['tok_visa', 'btok_us_verified', 'tok_mastercard'];
    const one = await customerWithSources(...sources);
    const [first, bank, second] = one.sources;
    expect(await cardOf(one.customerId)).toBe(first);
    await remove(one.stripeCustomerId, first);
    expect(await cardOf(one.customerId)).toBe(second);
    await remove(one.stripeCustomerId, second);
    expect(money.double.state.customers.find(one.stripeCustomerId)?.default_source).toBe(bank);
    expect(await cardOf(one.customerId)).toBeNull();
    expect(await bill(one.customerId)).toMatchObject({ kind: 'blocked', code: 'no_billing_info' });
    await expectSoundMoney(money, one.customerId);
  });

  it('a default payment method is the card on file before any source', async () => {
    const { customerId, stripeCustomerId } = await customerWithSources('tok_visa');
    const { id } = await money.stripe.paymentMethods.attach(await money.newCard(), {
      customer: stripeCustomerId,
    });
    await money.stripe.customers.update(stripeCustomerId, {
      invoice_settings: { default_payment_method: id },
    });
    await money.deliver();
    expect(await cardOf(customerId)).toBe(id);
  });

  it.each(['clears', 'refused'] as const)(
    "the card on file replaces a subscription's own source, whether Stripe lets that be cleared: %s",
    async (empty) => {
      const { customerId, stripeCustomerId, sources } = await customerWithSources(
        'tok_visa',
        'tok_mastercard',
      );
      const { head } = await subscribeToPro(money.deps, customerId, null);
      const subscriptionId = head.subscription?.id ?? '';
      await money.control('switches', { empty_subscription_default: empty });
      await money.stripe.subscriptions.update(subscriptionId, { default_source: sources[1] ?? '' });
      await money.stripe.customers.update(stripeCustomerId, { name: 'Ada L.' });
      await money.deliver();
      const now = await money.stripe.subscriptions.retrieve(subscriptionId);
      expect(now.default_payment_method ?? now.default_source ?? sources[0]).toBe(sources[0]);
    },
  );
});
