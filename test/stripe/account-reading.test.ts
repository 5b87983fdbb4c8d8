import { describe, expect, it } from 'vitest';
import { priceBook } from '../../lib/stripe/prices.ts';
import { findCustomers, readAccount } from '../../lib/stripe/readers/account.ts';
import { readDefaultCard } from '../../lib/stripe/readers/default-card.ts';
import {
  type Asked,
  invoiceFrom,
  list,
  paged,
  priceFrom,
  Refusal,
  stripeWith,
} from '../support/stripe-objects.ts';

/* A customer's account at Stripe: the default card and the subscriptions. */

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
  card: { fingerprint: 'fp_1', exp_year: 2027, exp_month: 1 },
  ...facts,
});
describe('the default card', () => {
  const card = (customer: object, methods: Record<string, object> = {}) =>
    readDefaultCard(stripeWith({ 'customers/cus_1': customerFrom(customer), ...methods }), 'cus_1');

  it('the default card is the default payment method, with its fingerprint', async () => {
    expect(await card({}, { 'payment_methods/pm_1': methodFrom() })).toEqual({
      paymentMethodId: 'pm_1',
      fingerprint: 'fp_1',
      expires: '2027-01',
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
    ['belongs to another customer', { customer: 'cus_other' }],
  ])('there is no default card if the default payment method %s', async (_, facts) => {
    expect(await card({}, { 'payment_methods/pm_1': methodFrom(facts) })).toBeNull();
  });

  const older = { invoice_settings: { default_payment_method: null }, default_source: 'card_1' };

  it('the default card is the default source if there is no default payment method', async () => {
    const source = methodFrom({ id: 'card_1' });
    expect(await card(older, { 'payment_methods/card_1': source })).toMatchObject({
      paymentMethodId: 'card_1',
    });
    const both = { 'payment_methods/pm_1': methodFrom(), 'payment_methods/card_1': source };
    expect(await card({ default_source: 'card_1' }, both)).toMatchObject({ paymentMethodId: 'pm_1' });
  });

  it('there is no default card without either, and no payment method is read', async () => {
    const asked: Asked[] = [];
    const customer = customerFrom({ ...older, default_source: null });
    expect(await readDefaultCard(stripeWith({ 'customers/cus_1': customer }, asked), 'cus_1')).toBeNull();
    expect(asked).toHaveLength(1);
  });

  it('there is no default card if the source is no card, without an error', async () => {
    expect(await card(older)).toBeNull();
    await expect(card({})).rejects.toThrow();
    await expect(card(older, { 'payment_methods/card_1': new Refusal(500, 'api_error') })).rejects.toThrow();
  });

  it('a deleted customer has no default card', async () => {
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

  it('an account has its card and all of its Pro subscriptions, from every page', async () => {
    const asked: Asked[] = [];
    const other = subscriptionFrom({ id: 'sub_2', items: list(item(priceFrom({ id: 'p', product: 'x' }))) });
    const account = await read([subscriptionFrom(), other, subscriptionFrom({ id: 'sub_3' })], asked);
    expect(account).toMatchObject({
      kind: 'account',
      card: { paymentMethodId: 'pm_1', fingerprint: 'fp_1', expires: '2027-01' },
    });
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

  it('reading an account needs no call for the sold price, which comes with the subscription', async () => {
    const asked: Asked[] = [];
    await read([subscriptionFrom()], asked);
    expect(asked.filter(({ path }) => path.startsWith('prices'))).toEqual([]);
  });

  it('an account without a card has none', async () => {
    const customer = customerFrom({ invoice_settings: { default_payment_method: null } });
    const stripe = stripeWith({ 'customers/cus_1': customer, subscriptions: list() });
    expect(await readAccount(stripe, 'cus_1', priceBook(stripe, 'price_pro'))).toEqual({
      kind: 'account',
      card: null,
      subscriptions: [],
    });
  });

  it('an account states until when each subscription that gives Pro is paid', async () => {
    const covered = async (facts: object) => {
      const account = await read([subscriptionFrom(facts)]);
      return account.kind === 'account' ? account.subscriptions[0]?.coveredUntil : undefined;
    };
    expect(await covered({})).toBe('1970-01-01T00:01:40.000Z');
    expect(await covered({ latest_invoice: null })).toBeNull();
    expect(await covered({ status: 'canceled' })).toBeNull();
    // The item's period is after the paid one.
    expect(await covered({ items: list(item(priceFrom(), 101)) })).toBeNull();
  });

  it('the account of a deleted customer is deleted', async () => {
    const stripe = stripeWith({ 'customers/cus_1': { id: 'cus_1', object: 'customer', deleted: true } });
    expect(await readAccount(stripe, 'cus_1', priceBook(stripe, 'price_pro'))).toEqual({ kind: 'deleted' });
  });

  it('an account is found by its address and our id of the customer', async () => {
    const asked: Asked[] = [];
    const ours = (id: string, customer_id: string) => customerFrom({ id, metadata: { customer_id } });
    const customers = paged(ours('cus_1', 'c1'), ours('cus_2', 'c2'), ours('cus_3', 'c1'));
    expect(await findCustomers(stripeWith({ customers }, asked), 'a@x.io', 'c1')).toEqual(['cus_1', 'cus_3']);
    expect(asked[0]?.query.toString()).toBe('email=a%40x.io&limit=100');
  });
});
