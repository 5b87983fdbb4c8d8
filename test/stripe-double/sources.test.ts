import { expect, it } from 'vitest';
import { bench, monthlyPrice, offSession, refused, subscribe } from './support.ts';

async function withSources(...tokens: readonly string[]) {
  const made = await bench();
  const { id: customer } = await made.stripe.customers.create();
  const sources: string[] = [];
  for (const source of tokens)
    sources.push((await made.stripe.customers.createSource(customer, { source })).id);
  const defaultSource = async () => {
    const found = await made.stripe.customers.retrieve(customer);
    return found.deleted ? null : found.default_source;
  };
  return { ...made, customer, sources, defaultSource };
}

it('the first source of a customer is the default, and the newest remaining one replaces it when deleted', async () => {
  const { stripe, customer, sources, defaultSource, eventTypes } = await withSources(
    'tok_visa',
    'tok_mastercard',
    'btok_us_verified',
  );
  expect(await defaultSource()).toBe(sources[0]);
  expect(await eventTypes()).toEqual([
    'customer.created',
    'customer.source.created',
    'customer.updated',
    'customer.source.created',
    'customer.source.created',
  ]);
  const gone = await stripe.customers.deleteSource(customer, sources[0] ?? '');
  expect(gone).toMatchObject({ id: sources[0], object: 'card', deleted: true });
  expect(await defaultSource()).toBe(sources[2]);
  expect((await eventTypes()).slice(-2)).toEqual(['customer.source.deleted', 'customer.updated']);
  expect((await stripe.customers.listSources(customer)).data.map(({ id }) => id)).toEqual([
    sources[2],
    sources[1],
  ]);
});

it('a card that is a source is also a payment method: it pays until it is deleted', async () => {
  const { stripe, customer, sources } = await withSources('tok_visa');
  const method = sources[0] ?? '';
  expect(await stripe.paymentMethods.retrieve(method)).toMatchObject({ type: 'card', customer });
  const paid = await stripe.paymentIntents.create(offSession({ customer, method }));
  expect(paid).toMatchObject({ status: 'succeeded', payment_method: method });
  await stripe.paymentMethods.detach(method);
  await refused(stripe.customers.retrieveSource(customer, method));
  await refused(stripe.paymentIntents.create(offSession({ customer, method })));
});

it('without a payment method, a subscription is paid by its own source, then by the default source', async () => {
  const { stripe, running, customer, sources } = await withSources('tok_visa', 'tok_mastercard');
  const price = await monthlyPrice(stripe);
  const { id } = await subscribe(stripe, customer, price.id);
  const newest = () => running.double.state.charges.newestFirst[0]?.payment_method;
  expect(newest()).toBe(sources[0]);
  await stripe.subscriptions.update(id, { default_source: sources[1] ?? '' });
  await stripe.subscriptions.update(id, {
    billing_cycle_anchor: { type: 'now' },
    proration_behavior: 'none',
  });
  expect(newest()).toBe(sources[1]);
});

it.each([
  ['listed', 1],
  ['not_listed', 0],
] as const)(
  'a card that is a source is %s in the list of payment methods, depending on its switch',
  async (listed, count) => {
    const { stripe, customer, control } = await withSources('tok_visa');
    await control('switches', { card_source_listed: listed });
    expect((await stripe.paymentMethods.list({ customer })).data).toHaveLength(count);
  },
);

it('a source of another customer is neither shown nor made the default', async () => {
  const { stripe, sources } = await withSources('tok_visa');
  const other = await stripe.customers.create();
  const stolen = sources[0] ?? '';
  await refused(stripe.customers.retrieveSource(other.id, stolen));
  await refused(stripe.customers.deleteSource(other.id, stolen));
  await refused(stripe.customers.update(other.id, { default_source: stolen }));
});
