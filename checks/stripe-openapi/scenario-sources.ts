import { type Account, offSession, refused } from './scenario-steps.ts';

/** The part of the scenario with legacy cards and bank accounts, and payments from such a card. */
export async function keepSources({ stripe }: Account, price: string): Promise<void> {
  const { id } = await stripe.customers.create({ name: 'Ada', source: 'tok_visa' });
  const customer = await stripe.customers.retrieve(id, { expand: ['default_source', 'sources'] });
  const first = customer.deleted ? null : customer.default_source;
  if (first === null || typeof first === 'string') throw new Error('the default source was not expanded');
  await stripe.paymentIntents.create(offSession({ customer: id, payment_method: first.id }));
  await stripe.subscriptions.create({ customer: id, items: [{ price }], off_session: true });
  await stripe.paymentMethods.retrieve(first.id);
  await stripe.paymentMethods.list({ customer: id });
  const second = await stripe.customers.createSource(id, { source: 'tok_mastercard', metadata: { a: '1' } });
  await stripe.customers.retrieveSource(id, second.id);
  await stripe.customers.updateSource(id, second.id, {
    name: 'Ada L.',
    exp_year: '2035',
    metadata: { b: '2' },
  });
  await stripe.customers.update(id, { default_source: second.id });
  await stripe.customers.createSource(id, { source: 'btok_us_verified' });
  await stripe.customers.listSources(id);
  await stripe.customers.listSources(id, { object: 'card' });
  await stripe.customers.deleteSource(id, second.id);
  await stripe.customers.update(id, { source: 'tok_amex' });
  await refused(stripe.customers.createSource(id, { source: 'tok_visa_chargeDeclined' }));
  await refused(stripe.customers.update(id, { default_source: second.id }));
}
