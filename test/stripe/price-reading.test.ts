import { describe, expect, it } from 'vitest';
import { allOf } from '../../lib/stripe/paging.ts';
import {
  isMonthly,
  knownPriceOf,
  lookupKeyOf,
  priceBook,
  priceUnderKey,
  soldPriceIn,
} from '../../lib/stripe/prices.ts';
import { type Asked, list, priceFrom, stripeWith } from '../support/stripe-objects.ts';

/* The known prices, and lists that are read completely. */

const PRO = { id: 'price_pro', plan: 'pro', credits: 60, unitCents: 59_900 };

describe('a price', () => {
  const known = async (facts: object, soldAs: 'pro' | null = null) => {
    const stripe = stripeWith({ 'prices/price_pro': priceFrom(facts) });
    return knownPriceOf(await stripe.prices.retrieve('price_pro'), soldAs);
  };

  it('a price grants the credits of its metadata', async () => {
    expect(await known({})).toEqual(PRO);
    expect(await known({ metadata: { plan: 'pro', credits: '0' } })).toMatchObject({ credits: 0 });
    expect(await known({ metadata: { plan: 'pro', credits: '999999' } })).toMatchObject({ credits: 999_999 });
  });

  it.each([
    ['without a plan', { metadata: { credits: '60' } }],
    ['of a plan that is not sold', { metadata: { plan: 'trial', credits: '60' } }],
    ['of a plan that does not exist', { metadata: { plan: 'other', credits: '60' } }],
    ['without credits', { metadata: { plan: 'pro' } }],
    ['with credits that are no number', { metadata: { plan: 'pro', credits: '6x' } }],
    ['with credits that are none', { metadata: { plan: 'pro', credits: 'x6' } }],
    ['with too many credits', { metadata: { plan: 'pro', credits: '1000000' } }],
    ['without one amount for each unit', { unit_amount: null }],
    ['in another currency', { currency: 'eur' }],
  ])('a price %s is not known', async (_, facts) => {
    expect(await known(facts)).toBeNull();
  });

  it('the sold price without metadata grants the credits of its plan', async () => {
    expect(await known({ metadata: {} }, 'pro')).toEqual(PRO);
    expect(await known({ metadata: { credits: '70' } }, 'pro')).toMatchObject({ credits: 70 });
  });

  it('the sold price has a lookup key by its plan', () => {
    expect(lookupKeyOf('pro')).toBe('rsolv_pro_monthly');
  });
});

describe('the sold price', () => {
  const MONTHLY = { interval: 'month', interval_count: 1, usage_type: 'licensed' };
  const read = async (facts: object) => {
    const stripe = stripeWith({ 'prices/price_pro': priceFrom({ recurring: MONTHLY, ...facts }) });
    return { price: await stripe.prices.retrieve('price_pro'), book: priceBook(stripe, 'price_pro') };
  };

  it('a monthly price of the plan is sold with its amount and credits', async () => {
    const { price, book } = await read({});
    expect(isMonthly(price)).toBe(true);
    expect(soldPriceIn(price, 'pro')).toEqual(PRO);
    expect(await book.soldPrice('pro')).toEqual(PRO);
  });

  it.each([
    ['in another currency', { currency: 'eur' }],
    ['that is paid once', { recurring: null }],
    ['by the year', { recurring: { ...MONTHLY, interval: 'year' } }],
    ['for three months', { recurring: { ...MONTHLY, interval_count: 3 } }],
    ['by use', { recurring: { ...MONTHLY, usage_type: 'metered' } }],
  ])('a price %s is not sold', async (_, facts) => {
    const { price, book } = await read(facts);
    expect(isMonthly(price)).toBe(false);
    expect(soldPriceIn(price, 'pro')).toBeNull();
    await expect(book.soldPrice('pro')).rejects.toMatchObject({
      kind: 'misconfigured',
      facts: { code: 'price_of_another_kind' },
    });
  });

  it('a price of another plan, or of none, is not sold as Pro', async () => {
    for (const plan of ['trial', 'team']) {
      const { price } = await read({ metadata: { plan, credits: '60' } });
      expect(soldPriceIn(price, 'pro')).toBeNull();
    }
  });

  it("the price under a plan's lookup key is the first that Stripe lists, or none", async () => {
    const asked: Asked[] = [];
    const stripe = stripeWith({ prices: list(priceFrom()) }, asked);
    expect(await priceUnderKey(stripe, 'pro')).toMatchObject({ id: 'price_pro' });
    expect(asked[0]?.query.get('lookup_keys[0]')).toBe('rsolv_pro_monthly');
    expect(await priceUnderKey(stripeWith({ prices: list() }), 'pro')).toBeNull();
  });
});

describe('the book of prices', () => {
  const NEWER = priceFrom({ id: 'price_newer', metadata: { plan: 'pro', credits: '70' } });
  const BARE = priceFrom({ id: 'price_bare', metadata: {} });
  const open = (prices: Parameters<typeof stripeWith>[0][string] = list(priceFrom(), NEWER, BARE)) => {
    const asked: Asked[] = [];
    const stripe = stripeWith({ prices, 'prices/price_pro': priceFrom() }, asked);
    return { book: priceBook(stripe, 'price_pro'), asked, stripe };
  };

  it('the book of prices knows every price of our products, and distinguishes the others', async () => {
    const { book, asked } = open();
    expect(await book.find('price_pro', 'prod_ours')).toEqual({ kind: 'known', price: PRO });
    expect(await book.find('price_newer', 'prod_ours')).toMatchObject({ kind: 'known' });
    expect(asked.map(({ path, query }) => `${path}?${query}`)).toEqual([
      'prices/price_pro?',
      'prices?product=prod_ours&limit=100',
    ]);
    expect(await book.find('price_other', 'prod_other')).toEqual({ kind: 'foreign' });
    expect(await book.find('price_other', null)).toEqual({ kind: 'foreign' });
    expect(asked).toHaveLength(2);
    expect(await book.find('price_bare', 'prod_ours')).toEqual({ kind: 'unknown' });
    expect(asked.length).toBeGreaterThan(2);
  });

  it('the book of prices reads an unknown price of our product again', async () => {
    let isThere = false;
    const { book } = open(() => list(priceFrom(), ...(isThere ? [NEWER] : [])));
    expect(await book.find('price_newer', 'prod_ours')).toEqual({ kind: 'unknown' });
    isThere = true;
    expect(await book.find('price_newer', 'prod_ours')).toMatchObject({ kind: 'known' });
  });

  it('the book of prices learns the sold price from another read, and then reads nothing', async () => {
    const { book, asked, stripe } = open();
    book.learn(await stripe.prices.retrieve('price_pro'));
    asked.length = 0;
    expect(await book.find('price_pro', 'prod_ours')).toEqual({ kind: 'known', price: PRO });
    expect(asked).toEqual([]);
  });

  it('the book of prices reads the other prices of its product once, not the learned one', async () => {
    const { book, asked, stripe } = open();
    book.learn(await stripe.prices.retrieve('price_pro'));
    asked.length = 0;
    expect(await book.find('price_newer', 'prod_ours')).toMatchObject({ kind: 'known' });
    expect(asked.map(({ path }) => path)).toEqual(['prices']);
  });

  it('the book of prices learns no price of another product', async () => {
    const { book } = open();
    const foreign = stripeWith({ 'prices/price_x': priceFrom({ id: 'price_x', product: 'prod_x' }) });
    book.learn(await foreign.prices.retrieve('price_x'));
    expect(await book.find('price_x', 'prod_x')).toEqual({ kind: 'foreign' });
  });

  it('the book of prices reads the price at which a plan is sold each time', async () => {
    const asked: Asked[] = [];
    const recurring = { interval: 'month', interval_count: 1, usage_type: 'licensed' };
    const book = priceBook(stripeWith({ 'prices/price_pro': priceFrom({ recurring }) }, asked), 'price_pro');
    expect(await book.soldPrice('pro')).toEqual(PRO);
    expect(await book.soldPrice('pro')).toEqual(PRO);
    expect(asked.map(({ path }) => path)).toEqual(['prices/price_pro', 'prices/price_pro']);
  });
});

describe('a list', () => {
  it('a list of more than 10,000 is an error, because a part of it would be a wrong sum', async () => {
    async function* numbers(count: number) {
      for (let n = 0; n < count; n++) yield n;
    }
    expect(await allOf(numbers(10_000))).toHaveLength(10_000);
    await expect(allOf(numbers(10_001))).rejects.toMatchObject({
      kind: 'misconfigured',
      facts: { code: 'list_too_long' },
    });
  });
});
