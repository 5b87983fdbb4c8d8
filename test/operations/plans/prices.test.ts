import { beforeAll, describe, expect, it } from 'vitest';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import type { Table } from '../../../lib/store/table.ts';
import { priceBook } from '../../../lib/stripe/prices.ts';
import { ensureProPrice } from '../../../lib/stripe/setup/price.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money, openMoney } from '../../support/money.ts';
import { openTestTable } from '../../support/table.ts';

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const DAYS_TO_RENEWAL = 32;

/**
 * Creates a new price of the same product and moves the lookup key to it, as the setup does after a price
 * change.
 */
async function newPrice({ stripe, priceId }: Money, unitAmount: number): Promise<string> {
  const { product, metadata } = await stripe.prices.retrieve(priceId);
  const { id } = await stripe.prices.create({
    product: String(product),
    unit_amount: unitAmount,
    currency: 'usd',
    recurring: { interval: 'month' },
    lookup_key: 'rsolv_pro_monthly',
    transfer_lookup_key: true,
    metadata,
  });
  return id;
}

describe('a price change from $599 to $649, and its rollback', () => {
  it('a price change from $599 to $649, and its rollback, keep the plan and the credits of every subscriber, without drift', async () => {
    const money = await openMoney(table);
    const subscribed = async () => {
      const { customerId } = await customerWithCard(money, 0);
      await subscribeToPro(money.deps, customerId, null);
      return customerId;
    };
    const expectAll = async (customers: readonly string[], balances: readonly number[]) => {
      await money.deliver();
      for (const [i, customerId] of customers.entries()) {
        await expectSoundMoney(money, customerId);
        const { balance, subscriptionType } = await headOf(money.deps, customerId);
        expect([balance, subscriptionType]).toEqual([balances[i], 'pro']);
      }
    };
    const before = [await subscribed(), await subscribed()];
    await expectAll(before, [60, 60]);

    money.env['STRIPE_PRO_PRICE_ID'] = await newPrice(money, 64_900);
    const all = [...before, await subscribed()];
    await expectAll(all, [60, 60, 60]);
    const totals = money.double.state.invoices.newestFirst.map(({ total }) => total);
    expect(totals).toEqual([64_900, 59_900, 59_900]);
    await money.days(DAYS_TO_RENEWAL);
    await expectAll(all, [120, 120, 120]);

    money.env['STRIPE_PRO_PRICE_ID'] = money.priceId;
    await money.days(DAYS_TO_RENEWAL);
    await expectAll([...all, await subscribed()], [180, 180, 180, 60]);
  });
});

describe('the known prices', () => {
  it('the known prices are read once, and again only for an unknown price of our product', async () => {
    const money = await openMoney(table);
    const { stripe, priceId } = money;
    const { product } = await stripe.prices.retrieve(priceId);
    const made = await stripe.prices.create({
      product: String(product),
      unit_amount: 1_000,
      currency: 'usd',
      recurring: { interval: 'year' },
    });
    const foreign = await stripe.prices.create({
      product_data: { name: 'Other' },
      unit_amount: 1_000,
      currency: 'usd',
    });
    const book = priceBook(stripe, priceId);
    const asked = () => money.double.calls.all.filter(({ path }) => path.startsWith('/v1/prices')).length;
    const before = asked();
    expect(await book.find(priceId, String(product))).toEqual({
      kind: 'known',
      price: { id: priceId, plan: 'pro', credits: 60, unitCents: 59_900 },
    });
    const once = asked() - before;
    expect(await book.find(priceId, String(product))).toMatchObject({ kind: 'known' });
    expect(await book.find(foreign.id, String(foreign.product))).toEqual({ kind: 'foreign' });
    expect(asked() - before).toBe(once);
    expect(await book.find(made.id, String(product))).toEqual({ kind: 'unknown' });
    expect(asked() - before).toBeGreaterThan(once);
    await stripe.prices.update(made.id, { metadata: { plan: 'pro', credits: '700' } });
    expect(await book.find(made.id, String(product))).toMatchObject({
      kind: 'known',
      price: { credits: 700 },
    });
  });

  it('the known prices need no call if Stripe returned the sold price with something else', async () => {
    const money = await openMoney(table);
    const price = await money.stripe.prices.retrieve(money.priceId);
    const book = priceBook(money.stripe, money.priceId);
    book.learn(price);
    const before = money.double.calls.all.length;
    expect(await book.find(price.id, String(price.product))).toMatchObject({ kind: 'known' });
    expect(money.double.calls.all.length).toBe(before);
  });

  it('prices of a release without metadata grant what the plan grants, and the setup writes the metadata', async () => {
    const money = await openMoney(table);
    await money.stripe.prices.update(money.priceId, { metadata: { plan: '', credits: '' } });
    const { product } = await money.stripe.prices.retrieve(money.priceId);
    const found = await priceBook(money.stripe, money.priceId).find(money.priceId, String(product));
    expect(found).toMatchObject({ kind: 'known', price: { plan: 'pro', credits: 60 } });
    const { price } = await ensureProPrice(money.stripe);
    expect(price).toMatchObject({ id: money.priceId, outcome: 'updated' });
    expect((await money.stripe.prices.retrieve(money.priceId)).metadata).toEqual({
      plan: 'pro',
      credits: '60',
    });
  });
});
