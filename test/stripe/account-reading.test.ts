import { describe, expect, it } from 'vitest';
import { allOf } from '../../lib/stripe/paging.ts';
import { knownPriceOf, lookupKeyOf, priceBook } from '../../lib/stripe/prices.ts';
import { findCustomers, readAccount } from '../../lib/stripe/readers/account.ts';
import { findEventsOf } from '../../lib/stripe/readers/customer-events.ts';
import { readDefaultCard } from '../../lib/stripe/readers/default-card.ts';
import { listEvents, listFixPayments, listProInvoices } from '../../lib/stripe/readers/listings.ts';
import { readPaidMoney } from '../../lib/stripe/readers/paid-money.ts';
import { fixMetadata } from '../../lib/stripe/readers/payments.ts';
import {
  type Asked,
  invoiceFrom,
  lineFrom,
  list,
  paged,
  Refusal,
  stripeWith,
} from '../support/stripe-objects.ts';

/* A customer's account at Stripe, the known prices, and lists of the whole account. */

const customerFrom = (facts: object = {}) => ({
  id: 'cus_1',
  object: 'customer',
  metadata: {},
  invoice_settings: { default_payment_method: 'pm_1' },
  default_source: null,
  ...facts,
});
const methodFrom = (facts: object = {}) => ({
  id: 'pm_1',
  object: 'payment_method',
  type: 'card',
  customer: 'cus_1',
  card: { fingerprint: 'fp_1' },
  ...facts,
});
const priceFrom = (facts: object = {}) => ({
  id: 'price_pro',
  object: 'price',
  product: 'prod_ours',
  unit_amount: 59_900,
  currency: 'usd',
  lookup_key: 'rsolv_pro_monthly',
  metadata: { plan: 'pro', credits: '60' },
  ...facts,
});
const PRO = { id: 'price_pro', plan: 'pro', credits: 60, unitCents: 59_900 };

describe('the default card', () => {
  const card = (customer: object, methods: Record<string, object> = {}) =>
    readDefaultCard(stripeWith({ 'customers/cus_1': customerFrom(customer), ...methods }), 'cus_1');

  it('is the default payment method, with its fingerprint', async () => {
    expect(await card({}, { 'payment_methods/pm_1': methodFrom() })).toEqual({
      paymentMethodId: 'pm_1',
      fingerprint: 'fp_1',
    });
    const named = { invoice_settings: { default_payment_method: { id: 'pm_1' } } };
    expect(await card(named, { 'payment_methods/pm_1': methodFrom() })).not.toBeNull();
    expect(await card({}, { 'payment_methods/pm_1': methodFrom({ card: {} }) })).toMatchObject({
      fingerprint: null,
    });
    expect(await card({}, { 'payment_methods/pm_1': methodFrom({ card: null }) })).toMatchObject({
      fingerprint: null,
    });
  });

  it.each([
    ['is no card', { type: 'us_bank_account' }],
    ['was detached', { customer: null }],
    ['is somebody else’s', { customer: 'cus_other' }],
  ])('is none where the default payment method %s', async (_, facts) => {
    expect(await card({}, { 'payment_methods/pm_1': methodFrom(facts) })).toBeNull();
  });

  const older = { invoice_settings: { default_payment_method: null }, default_source: 'card_1' };

  it('is the default source where there is no default payment method', async () => {
    const source = methodFrom({ id: 'card_1' });
    expect(await card(older, { 'payment_methods/card_1': source })).toMatchObject({
      paymentMethodId: 'card_1',
    });
    const both = { 'payment_methods/pm_1': methodFrom(), 'payment_methods/card_1': source };
    expect(await card({ default_source: 'card_1' }, both)).toMatchObject({ paymentMethodId: 'pm_1' });
  });

  it('is none without either, and no method is asked for', async () => {
    const asked: Asked[] = [];
    const customer = customerFrom({ ...older, default_source: null });
    expect(await readDefaultCard(stripeWith({ 'customers/cus_1': customer }, asked), 'cus_1')).toBeNull();
    expect(asked).toHaveLength(1);
  });

  it('is none where the source is no card, and no error then', async () => {
    expect(await card(older)).toBeNull();
    await expect(card({})).rejects.toThrow();
    await expect(card(older, { 'payment_methods/card_1': new Refusal(500, 'api_error') })).rejects.toThrow();
  });

  it('is none of a customer who was deleted', async () => {
    const deleted = { 'customers/cus_1': { id: 'cus_1', object: 'customer', deleted: true } };
    expect(await readDefaultCard(stripeWith(deleted), 'cus_1')).toBeNull();
  });
});

describe('an account', () => {
  const item = (price: object = priceFrom(), current_period_end = 100) => ({
    id: 'si_1',
    price,
    current_period_end,
  });
  const subscriptionFrom = (facts: object = {}) => ({
    id: 'sub_1',
    object: 'subscription',
    status: 'active',
    created: 7,
    collection_method: 'charge_automatically',
    items: list(item()),
    latest_invoice: invoiceFrom(),
    ...facts,
  });
  const read = (subscriptions: readonly { readonly id: string }[], asked: Asked[] = []) => {
    const stripe = stripeWith(
      {
        'customers/cus_1': customerFrom(),
        'payment_methods/pm_1': methodFrom(),
        subscriptions: paged(...subscriptions),
        invoices: list(),
        prices: list(priceFrom()),
        'prices/price_pro': priceFrom(),
      },
      asked,
    );
    return readAccount(stripe, 'cus_1', priceBook(stripe, 'price_pro'));
  };

  it('has its card and all of its Pro subscriptions, from every page', async () => {
    const asked: Asked[] = [];
    const other = subscriptionFrom({ id: 'sub_2', items: list(item(priceFrom({ id: 'p', product: 'x' }))) });
    const account = await read([subscriptionFrom(), other, subscriptionFrom({ id: 'sub_3' })], asked);
    expect(account).toMatchObject({ kind: 'account', paymentMethodId: 'pm_1' });
    expect(account.kind === 'account' && account.subscriptions.map(({ id }) => id)).toEqual([
      'sub_1',
      'sub_3',
    ]);
    const [query] = asked.filter(({ path }) => path === 'subscriptions').map((one) => one.query);
    expect(Object.fromEntries(query ?? [])).toEqual({
      customer: 'cus_1',
      status: 'all',
      limit: '100',
      'expand[0]': 'data.latest_invoice',
    });
  });

  it('needs no call for the price that is sold: it comes with the subscription', async () => {
    const asked: Asked[] = [];
    await read([subscriptionFrom()], asked);
    expect(asked.filter(({ path }) => path.startsWith('prices'))).toEqual([]);
  });

  it('without a card has none', async () => {
    const customer = customerFrom({ invoice_settings: { default_payment_method: null } });
    const stripe = stripeWith({ 'customers/cus_1': customer, subscriptions: list() });
    expect(await readAccount(stripe, 'cus_1', priceBook(stripe, 'price_pro'))).toEqual({
      kind: 'account',
      paymentMethodId: null,
      subscriptions: [],
    });
  });

  it('says until when each subscription that gives Pro is paid', async () => {
    const covered = async (facts: object) => {
      const account = await read([subscriptionFrom(facts)]);
      return account.kind === 'account' ? account.subscriptions[0]?.coveredUntil : undefined;
    };
    expect(await covered({})).toBe('1970-01-01T00:01:40.000Z');
    expect(await covered({ latest_invoice: null })).toBeNull();
    expect(await covered({ status: 'canceled' })).toBeNull();
    // Of a later period than the one that is paid.
    expect(await covered({ items: list(item(priceFrom(), 101)) })).toBeNull();
  });

  it('of a customer who was deleted is deleted', async () => {
    const stripe = stripeWith({ 'customers/cus_1': { id: 'cus_1', object: 'customer', deleted: true } });
    expect(await readAccount(stripe, 'cus_1', priceBook(stripe, 'price_pro'))).toEqual({ kind: 'deleted' });
  });

  it('is found by its address and our name of the customer', async () => {
    const asked: Asked[] = [];
    const ours = (id: string, customer_id: string) => customerFrom({ id, metadata: { customer_id } });
    const customers = paged(ours('cus_1', 'c1'), ours('cus_2', 'c2'), ours('cus_3', 'c1'));
    expect(await findCustomers(stripeWith({ customers }, asked), 'a@x.io', 'c1')).toEqual(['cus_1', 'cus_3']);
    expect(asked[0]?.query.toString()).toBe('email=a%40x.io&limit=100');
  });
});

describe('a price', () => {
  const known = async (facts: object, soldAs: 'pro' | null = null) => {
    const stripe = stripeWith({ 'prices/price_pro': priceFrom(facts) });
    return knownPriceOf(await stripe.prices.retrieve('price_pro'), soldAs);
  };

  it('brings what its metadata says', async () => {
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
  ])('%s is not known', async (_, facts) => {
    expect(await known(facts)).toBeNull();
  });

  it('that is sold without metadata brings what its plan says', async () => {
    expect(await known({ metadata: {} }, 'pro')).toEqual(PRO);
    expect(await known({ metadata: { credits: '70' } }, 'pro')).toMatchObject({ credits: 70 });
  });

  it('that is sold has a key by its plan', () => {
    expect(lookupKeyOf('pro')).toBe('rsolv_pro_monthly');
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

  it('knows every price of our products, and tells the others apart', async () => {
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

  it('asks again for a price of our product that was not known', async () => {
    let isThere = false;
    const { book } = open(() => list(priceFrom(), ...(isThere ? [NEWER] : [])));
    expect(await book.find('price_newer', 'prod_ours')).toEqual({ kind: 'unknown' });
    isThere = true;
    expect(await book.find('price_newer', 'prod_ours')).toMatchObject({ kind: 'known' });
  });

  it('learns the sold price from elsewhere, and then asks for nothing', async () => {
    const { book, asked, stripe } = open();
    book.learn(await stripe.prices.retrieve('price_pro'));
    asked.length = 0;
    expect(await book.find('price_pro', 'prod_ours')).toEqual({ kind: 'known', price: PRO });
    expect(asked).toEqual([]);
  });

  it('asks for the other prices of its product, and not again for the one that it has learned', async () => {
    const { book, asked, stripe } = open();
    book.learn(await stripe.prices.retrieve('price_pro'));
    asked.length = 0;
    expect(await book.find('price_newer', 'prod_ours')).toMatchObject({ kind: 'known' });
    expect(asked.map(({ path }) => path)).toEqual(['prices']);
  });

  it('learns no price of a product that is not ours', async () => {
    const { book } = open();
    const foreign = stripeWith({ 'prices/price_x': priceFrom({ id: 'price_x', product: 'prod_x' }) });
    book.learn(await foreign.prices.retrieve('price_x'));
    expect(await book.find('price_x', 'prod_x')).toEqual({ kind: 'foreign' });
  });

  it('names the price at which a plan is sold', async () => {
    const { book, asked } = open();
    expect(await book.soldPriceId('pro')).toBe('price_pro');
    expect(asked).toEqual([]);
  });
});

describe('a list', () => {
  it('of more than 10,000 is an error, for a part of it would be a wrong sum', async () => {
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

const eventFrom = (facts: object = {}) => ({
  id: 'evt_1',
  object: 'event',
  type: 'invoice.paid',
  created: 100,
  livemode: false,
  api_version: '2026-10-28.endive',
  pending_webhooks: 0,
  data: { object: { id: 'in_1', object: 'invoice', customer: 'cus_1' } },
  ...facts,
});

describe('the events of a customer', () => {
  it('are picked out of all since a moment, and say whether they were delivered', async () => {
    const asked: Asked[] = [];
    const events = paged(
      eventFrom({ pending_webhooks: 1 }),
      eventFrom({ id: 'evt_2', data: { object: { id: 'in_2', customer: 'cus_other' } } }),
      eventFrom({ id: 'evt_3' }),
    );
    expect(await findEventsOf(stripeWith({ events }, asked), 'cus_1', 60)).toEqual([
      { id: 'evt_1', type: 'invoice.paid', objectId: 'in_1', undelivered: true },
      { id: 'evt_3', type: 'invoice.paid', objectId: 'in_1', undelivered: false },
    ]);
    expect(Object.fromEntries(asked[0]?.query ?? [])).toEqual({ 'created[gte]': '60', limit: '100' });
  });

  it('leave out what is no event', async () => {
    const events = list({ id: 'evt_9', object: 'other' });
    expect(await findEventsOf(stripeWith({ events }), 'cus_1', 60)).toEqual([]);
  });
});

describe('a list of the whole account', () => {
  const WINDOW = { from: new Date(60_500), until: new Date(120_999), after: null };
  const page = (...data: readonly object[]) => ({ ...list(...data), has_more: true });

  it('of events has those that are handled, and where the next page begins', async () => {
    const asked: Asked[] = [];
    const other = eventFrom({ id: 'evt_2', type: 'coupon.created' });
    const stripe = stripeWith({ events: page(eventFrom(), other) }, asked);
    const { items, next } = await listEvents(stripe, WINDOW);
    expect(items.map(({ id }) => id)).toEqual(['evt_1']);
    expect(next).toBe('evt_2');
    expect(Object.fromEntries(asked[0]?.query ?? [])).toEqual({
      'created[gte]': '60',
      'created[lt]': '120',
      limit: '100',
    });
  });

  it('goes on after an object, without an end where there is none, and ends', async () => {
    const asked: Asked[] = [];
    const stripe = stripeWith({ events: list(eventFrom()) }, asked);
    const { next } = await listEvents(stripe, { ...WINDOW, until: null, after: 'evt_0' });
    expect(next).toBeNull();
    expect(Object.fromEntries(asked[0]?.query ?? [])).toEqual({
      'created[gte]': '60',
      limit: '100',
      starting_after: 'evt_0',
    });
    expect((await listEvents(stripeWith({ events: page() }), WINDOW)).next).toBeNull();
  });

  it('of events with one that cannot be read is an error', async () => {
    const stripe = stripeWith({ events: list(eventFrom({ created: 'never' })) });
    await expect(listEvents(stripe, WINDOW)).rejects.toMatchObject({
      kind: 'misconfigured',
      facts: { code: 'unreadable_event' },
    });
  });

  const intentFrom = (facts: object = {}) => ({
    id: 'pi_1',
    object: 'payment_intent',
    status: 'succeeded',
    amount: 2_900,
    amount_received: 2_900,
    customer: 'cus_1',
    created: 50,
    client_secret: null,
    last_payment_error: null,
    metadata: fixMetadata({ customerId: 'c1', fixAttemptId: 'f1', attempt: 1 }),
    latest_charge: { id: 'ch_1', created: 70, refunded: false, disputed: false },
    ...facts,
  });

  it('of payments has those that paid for a fix', async () => {
    const asked: Asked[] = [];
    const intents = page(
      intentFrom(),
      intentFrom({ id: 'pi_2', status: 'canceled' }),
      intentFrom({ id: 'pi_3', metadata: {} }),
      intentFrom({ id: 'pi_4', latest_charge: { id: 'ch_4', created: 70, refunded: true } }),
    );
    const { items, next } = await listFixPayments(stripeWith({ payment_intents: intents }, asked), WINDOW);
    expect(items.map(({ paymentIntentId, isReturned }) => [paymentIntentId, isReturned])).toEqual([
      ['pi_1', false],
      ['pi_4', true],
    ]);
    expect(next).toBe('pi_4');
    expect(asked[0]?.query.get('expand[0]')).toBe('data.latest_charge');
    expect(asked[0]?.query.get('created[gte]')).toBe('60');
  });

  const BOOK_ANSWERS = { prices: list(priceFrom()), 'prices/price_pro': priceFrom() };
  const free = invoiceFrom({ id: 'in_2', lines: [lineFrom({ amount: 0 })] });

  it('of invoices has those that brought credits, and whose they are', async () => {
    const asked: Asked[] = [];
    const stripe = stripeWith({ ...BOOK_ANSWERS, invoices: page(invoiceFrom(), free) }, asked);
    const { items, next } = await listProInvoices(stripe, WINDOW, priceBook(stripe, 'price_pro'));
    expect(items).toMatchObject([{ id: 'in_1', stripeCustomerId: 'cus_1' }]);
    expect(next).toBe('in_2');
    expect(Object.fromEntries(asked[0]?.query ?? [])).toMatchObject({ status: 'paid', 'created[lt]': '120' });
  });

  it('of one customer’s money has when each part was paid, and which charges are disputed', async () => {
    const asked: Asked[] = [];
    const payment_intents = paged(
      intentFrom({ latest_charge: { id: 'ch_1', created: 70, refunded: false, disputed: true } }),
      intentFrom({ id: 'pi_2', metadata: {}, latest_charge: { id: 'ch_2', created: 7, disputed: true } }),
      intentFrom({ id: 'pi_3', latest_charge: null }),
      intentFrom({ id: 'pi_4', latest_charge: 'ch_4' }),
    );
    const invoices = paged(
      invoiceFrom(),
      free,
      invoiceFrom({ id: 'in_3', created: 30, status_transitions: { paid_at: null } }),
    );
    const stripe = stripeWith({ ...BOOK_ANSWERS, payment_intents, invoices }, asked);
    const money = await readPaidMoney(stripe, 'cus_1', priceBook(stripe, 'price_pro'));
    expect(
      money.fixPayments.map(({ paymentIntentId, paidAt }) => [paymentIntentId, paidAt.getTime()]),
    ).toEqual([
      ['pi_1', 70_000],
      ['pi_3', 50_000],
      ['pi_4', 50_000],
    ]);
    expect(money.proInvoices.map(({ id, paidAt }) => [id, paidAt.getTime()])).toEqual([
      ['in_1', 100_000],
      ['in_3', 30_000],
    ]);
    expect(money.disputedChargeIds).toEqual(['ch_1', 'ch_2']);
    expect(Object.fromEntries(asked[0]?.query ?? [])).toEqual({
      customer: 'cus_1',
      'expand[0]': 'data.latest_charge',
      limit: '100',
    });
    const [query] = asked.filter(({ path }) => path === 'invoices').map((one) => one.query);
    expect(Object.fromEntries(query ?? [])).toEqual({ customer: 'cus_1', status: 'paid', limit: '100' });
  });
});
