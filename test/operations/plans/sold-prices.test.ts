import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { NO_SOLD_PRICES, soldPriceOf } from '../../../lib/domain/plans.ts';
import { keptSoldPrices } from '../../../lib/http/sold-prices.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { refreshSoldPrices } from '../../../lib/operations/plans/refresh-sold-prices.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { sweep } from '../../../lib/operations/work/sweep.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readOrder } from '../../../lib/store/orders.ts';
import { readSoldPrices } from '../../../lib/store/payments/sold-prices.ts';
import type { Table } from '../../../lib/store/table.ts';
import { ensureProPrice } from '../../../lib/stripe/setup/price.ts';
import { recordedFix } from '../../support/customers.ts';
import { documents, middlewareOf } from '../../support/documents.ts';
import { customerWith } from '../../support/fixtures.ts';
import { customerWithCard, type Money, openMoneyForFile } from '../../support/money.ts';
import { answering, failing } from '../../support/stripe-answers.ts';
import { countingCalls } from '../../support/table.ts';

/* The stored copy of the sold price, which the sweeper updates. */

const FIRST = { monthCents: 59_900, credits: 60 };
const SECOND = { monthCents: 64_900, credits: 65 };

let table: Table;
let money: Money;
let reported: BusinessEvent[];
let deps: PaymentDeps;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  reported = [];
  deps = { ...money.deps, report: (happened) => void reported.push(happened) };
  return opened.stop;
});

const shown = async () => soldPriceOf(await readSoldPrices(table), 'pro');
const kinds = () => reported.map(({ kind }) => kind).filter((kind) => kind.startsWith('sold_price'));

/** Runs the setup, which creates the price, and stores its id in the parameter, as an operator does. */
async function sellAt(price: typeof FIRST): Promise<string> {
  const { id } = (await ensureProPrice(money.stripe, { replacement: { plan: 'pro', ...price } })).price;
  money.env['STRIPE_PRO_PRICE_ID'] = id;
  return id;
}

describe('the sweeper', () => {
  it('the sweeper stores the price at Stripe that Pro is sold at, and writes again only when it has changed', async () => {
    expect(await readSoldPrices(table)).toEqual(NO_SOLD_PRICES);
    await refreshSoldPrices(deps);
    expect((await readSoldPrices(table)).get('pro')).toEqual({ priceId: money.priceId, ...FIRST });
    const { calls } = await countingCalls(table, () => refreshSoldPrices(deps));
    expect(calls).toEqual(['BatchGetItem']);

    const priceId = await sellAt(SECOND);
    expect(await shown()).toMatchObject(FIRST);
    await refreshSoldPrices(deps);
    expect(await shown()).toEqual({ priceId, ...SECOND });
    expect(kinds()).toEqual(['sold_price_changed', 'sold_price_changed']);
    expect(reported.at(-1)).toEqual({ kind: 'sold_price_changed', plan: 'pro', priceId, ...SECOND });
  });

  it('the sweeper stores credits that are corrected in the metadata of the sold price', async () => {
    await refreshSoldPrices(deps);
    await money.stripe.prices.update(money.priceId, { metadata: { credits: '62' } });
    await refreshSoldPrices(deps);
    expect(await shown()).toMatchObject({ ...FIRST, credits: 62 });
  });

  it('the sweeper stores another price of the same amount, and corrects a stored amount', async () => {
    await refreshSoldPrices(deps);
    const { product, metadata } = await money.stripe.prices.retrieve(money.priceId);
    const twin = await money.stripe.prices.create({
      product: String(product),
      unit_amount: FIRST.monthCents,
      currency: 'usd',
      recurring: { interval: 'month' },
      metadata,
    });
    money.env['STRIPE_PRO_PRICE_ID'] = twin.id;
    await refreshSoldPrices(deps);
    expect(await shown()).toEqual({ priceId: twin.id, ...FIRST });
    const wrong = { ...keys.soldPrice('pro'), price_id: twin.id, month_cents: 100, credits: 60 };
    await documents(table).send(new PutCommand({ TableName: table.name, Item: wrong }));
    await refreshSoldPrices(deps);
    expect(await shown()).toEqual({ priceId: twin.id, ...FIRST });
  });

  it('the sweeper continues and keeps the shown price if Stripe does not return the price', async () => {
    await sellAt(SECOND);
    await sweep(deps);
    await sellAt(FIRST);
    const { customerId } = await customerWithCard(money, 0);
    const fixId = await recordedFix(deps, customerId, 1);
    const silent = await answering(deps, () => ({ chargeFix: failing('indeterminate') }));
    await expect(billFixAttempt(silent, customerId, fixId)).rejects.toMatchObject({
      code: 'payment_pending',
    });

    const priceless = await answering(deps, () => ({ soldPrice: failing('transient') }));
    expect(await sweep(priceless, 0)).toEqual({ settled: 1, waiting: [], failed: [] });
    expect(await shown()).toMatchObject(SECOND);
    const offline = { ...deps, stripe: () => Promise.reject(new Error('no parameter')) };
    expect(await sweep(offline, 0)).toEqual({ settled: 0, waiting: [], failed: [] });
    expect(kinds()).toEqual(['sold_price_changed', 'sold_price_not_read', 'sold_price_not_read']);
    await sweep(deps);
    expect(await shown()).toMatchObject(FIRST);
  });

  it('the sweeper counts the time for reading the price, and leaves open work to the next run', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const fixId = await recordedFix(deps, customerId, 1);
    const silent = await answering(deps, () => ({ chargeFix: failing('indeterminate') }));
    await expect(billFixAttempt(silent, customerId, fixId)).rejects.toMatchObject({
      code: 'payment_pending',
    });
    let aheadMs = 0;
    const now = () => new Date(Date.now() + aheadMs);
    const slow = await answering({ ...deps, now }, (port) => ({
      soldPrice: async (plan) => {
        aheadMs += 181_000;
        return port.soldPrice(plan);
      },
    }));
    expect(await sweep(slow, 0)).toEqual({ settled: 0, waiting: [], failed: [] });
    expect(await sweep(deps, 0)).toEqual({ settled: 1, waiting: [], failed: [] });
  });

  it.each([
    ['of a year', { recurring: { interval: 'year' }, currency: 'usd' }],
    ['in another currency', { recurring: { interval: 'month' }, currency: 'eur' }],
    ['that is charged once', { currency: 'usd' }],
  ] as const)('the sweeper does not store a price %s as the monthly price', async (_, facts) => {
    await refreshSoldPrices(deps);
    const metadata = { plan: 'pro', credits: '700' };
    const price = { product: 'rsolv_pro', unit_amount: 600_000, metadata, ...facts };
    money.env['STRIPE_PRO_PRICE_ID'] = (await money.stripe.prices.create(price)).id;
    await refreshSoldPrices(deps);
    expect(await shown()).toMatchObject(FIRST);
    expect(kinds()).toEqual(['sold_price_changed', 'sold_price_not_read']);
  });

  it('the sweeper replaces an unreadable stored price, which is not shown until then', async () => {
    await sellAt(SECOND);
    const broken = { ...keys.soldPrice('pro'), price_id: 'price_1', month_cents: 'many', credits: 60 };
    await documents(table).send(new PutCommand({ TableName: table.name, Item: broken }));
    expect(await shown()).toEqual(FIRST);
    await refreshSoldPrices(deps);
    expect(await shown()).toMatchObject(SECOND);
  });

  it('the sweeper does not overwrite what a concurrent sweep stored while it asked Stripe', async () => {
    await refreshSoldPrices(deps);
    const slow = await answering(deps, (port) => ({
      soldPrice: async (plan) => {
        const before = { ...(await port.soldPrice(plan)), id: 'price_before' };
        await sellAt(SECOND);
        await refreshSoldPrices(deps);
        return before;
      },
    }));
    await refreshSoldPrices(slow);
    expect(await shown()).toMatchObject(SECOND);
    // Once at first, and once by the concurrent sweep.
    expect(kinds()).toEqual(['sold_price_changed', 'sold_price_changed']);
  });
});

describe('an order', () => {
  it.each([
    ['of a year', { recurring: { interval: 'year' }, currency: 'usd' }],
    ['in another currency', { recurring: { interval: 'month' }, currency: 'eur' }],
    ['of another plan', { recurring: { interval: 'month' }, currency: 'usd', metadata: { plan: 'team' } }],
  ] as const)(
    'an order is refused at a price %s, and a subscriber still gets their subscription',
    async (_, facts) => {
      const subscriber = await customerWithCard(money, 0);
      await subscribeToPro(deps, subscriber.customerId, null);
      const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
      const price = { product: 'rsolv_pro', unit_amount: 600_000, metadata: { plan: 'pro', credits: '60' } };
      money.env['STRIPE_PRO_PRICE_ID'] = (await money.stripe.prices.create({ ...price, ...facts })).id;
      await expect(subscribeToPro(deps, customerId, null)).rejects.toMatchObject({
        code: 'payments_misconfigured',
      });
      expect((await money.stripe.charges.list({ customer: stripeCustomerId })).data).toEqual([]);
      expect(await readOrder(table, customerId)).toBeNull();
      expect(await subscribeToPro(deps, subscriber.customerId, null)).toMatchObject({ created: false });
    },
  );

  it('an order of a customer without a card asks for the card, also at a price that cannot be ordered', async () => {
    const { head } = await customerWith(deps, 0);
    money.env['STRIPE_PRO_PRICE_ID'] = 'price_gone';
    await expect(subscribeToPro(deps, head.customerId, null)).rejects.toMatchObject({
      code: 'no_billing_info',
    });
  });
});

describe('the prices that a function keeps in memory', () => {
  /** A function's prices, its clock, and the number of reads that failed. */
  function kept() {
    let atMs = Date.now();
    let failures = 0;
    const keep = keptSoldPrices();
    const pro = async () =>
      soldPriceOf(await keep({ table, now: () => new Date(atMs), report: deps.report }), 'pro');
    const whileAway = async () => {
      const silent = () => async () => {
        failures += 1;
        throw new Error('no answer');
      };
      middlewareOf(table).add(silent, { step: 'initialize', priority: 'high', name: 'silent' });
      return pro().finally(() => middlewareOf(table).remove('silent'));
    };
    const wait = (ms: number) => {
      atMs += ms;
    };
    return { pro, whileAway, wait, failures: () => failures };
  }

  it('the prices that a function keeps are read again after a minute, and outlast a silent table', async () => {
    const { pro, whileAway, wait } = kept();
    await sellAt(SECOND);
    await refreshSoldPrices(deps);
    expect(await pro()).toMatchObject(SECOND);
    await sellAt(FIRST);
    await refreshSoldPrices(deps);
    wait(59_999);
    expect(await pro()).toMatchObject(SECOND);
    wait(1);
    expect(await whileAway()).toMatchObject(SECOND);
    wait(10_000);
    expect(await pro()).toMatchObject(FIRST);
  });

  it('the prices that a function keeps are read once in ten seconds while the table is silent, and each failure is reported', async () => {
    const { pro, whileAway, wait, failures } = kept();
    await sellAt(SECOND);
    await refreshSoldPrices(deps);
    reported.length = 0;
    expect(await whileAway()).toEqual(FIRST);
    expect(kinds()).toEqual(['sold_price_not_read']);
    wait(9_999);
    expect(await whileAway()).toEqual(FIRST);
    expect(failures()).toBe(1);
    wait(1);
    expect(await whileAway()).toEqual(FIRST);
    expect(failures()).toBe(2);
    wait(10_000);
    expect(await pro()).toMatchObject(SECOND);
  });
});
