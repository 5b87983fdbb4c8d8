import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES } from '../../local/stripe-double/event-types.ts';
import { API_KEY, bench, customerWith, errorOf, offSession, refused } from './support.ts';

describe('a request', () => {
  it.each(['2026-10-28.endive', '2026-01-28.clover', '2019-03-14'])(
    'a request at the Stripe-Version %s is accepted',
    async (version) => {
      const { stripe } = await bench();
      expect((await stripe.customers.list({}, { apiVersion: version })).data).toEqual([]);
    },
  );

  it.each(['2026-10-28.nothing', '2026-13-01', '2027-01-01.endive', 'latest', '2026-02-30'])(
    'a request at the Stripe-Version %s is rejected',
    async (version) => {
      const { running } = await bench();
      const headers = { authorization: `Bearer ${API_KEY}`, 'stripe-version': version };
      const response = await fetch(`${running.url}/v1/customers`, { headers });
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({ type: 'invalid_request_error' });
    },
  );

  it.each(['ada', 'ada@', '@example', 'a da@example.com'])(
    'a request with the e-mail "%s" is rejected',
    async (email) => {
      const { stripe } = await bench();
      const invalid = { statusCode: 400, code: 'email_invalid' };
      expect(await refused(stripe.customers.create({ email }))).toMatchObject({ ...invalid, param: 'email' });
      const who = await customerWith(stripe);
      const charged = stripe.paymentIntents.create({ ...offSession(who), receipt_email: email });
      expect(await refused(charged)).toMatchObject({ ...invalid, param: 'receipt_email' });
      expect((await stripe.customers.list()).data).toHaveLength(1);
    },
  );

  it('a request in the currency zzz is rejected', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe);
    expect(
      await refused(stripe.paymentIntents.create({ ...offSession(who), currency: 'zzz' })),
    ).toMatchObject({ statusCode: 400, param: 'currency' });
    const price = stripe.prices.create({ currency: 'zzz', unit_amount: 1, product_data: { name: 'x' } });
    expect(await refused(price)).toMatchObject({ param: 'currency' });
  });

  it.each([
    ['name', 'n'.repeat(257)],
    ['phone', '1'.repeat(21)],
    ['description', 'd'.repeat(5_001)],
    ['email', `${'e'.repeat(510)}@x.example`],
  ])('a request with a %s that is too long is rejected', async (name, value) => {
    const { stripe } = await bench();
    expect(await refused(stripe.customers.create({ [name]: value }))).toMatchObject({
      code: 'parameter_invalid_string_long',
      param: name,
    });
  });

  it('a request with metadata beyond 40 and 500 characters is rejected', async () => {
    const { stripe } = await bench();
    await stripe.customers.create({ metadata: { ['k'.repeat(40)]: 'v'.repeat(500) } });
    await refused(stripe.customers.create({ metadata: { ['k'.repeat(41)]: 'v' } }));
    await refused(stripe.customers.create({ metadata: { k: 'v'.repeat(501) } }));
  });

  it('a request with an idempotency key of more than 255 characters is rejected', async () => {
    const { stripe } = await bench();
    await stripe.customers.create({}, { idempotencyKey: 'k'.repeat(255) });
    const long = stripe.customers.create({}, { idempotencyKey: 'k'.repeat(256) });
    expect(await refused(long)).toMatchObject({ statusCode: 400 });
  });
});

describe('an endpoint', () => {
  it('an endpoint cannot subscribe to an event type that Stripe does not have', async () => {
    const { stripe } = await bench();
    const create = (name: string) =>
      stripe.webhookEndpoints.create({
        url: 'http://127.0.0.1:1/hook',
        enabled_events: JSON.parse(JSON.stringify([name])),
      });
    expect(await refused(create('invoice.payed'))).toMatchObject({ param: 'enabled_events' });
    expect((await create('invoice.paid')).enabled_events).toEqual(['invoice.paid']);
  });

  it('an endpoint can subscribe to every event type that the SDK names', () => {
    const types = readFileSync('node_modules/stripe/esm/resources/WebhookEndpoints.d.ts', 'utf8');
    const [, union = ''] = /type EnabledEvent = ([^;]*);/.exec(types) ?? [];
    const named = [...union.matchAll(/'([^']+)'/g)].map(([, name]) => name).filter((name) => name !== '*');
    expect(EVENT_TYPES).toEqual(named);
  });
});

describe('expand', () => {
  it.each(['review', 'on_behalf_of', 'latest_charge', 'application'])(
    'expanding the null field %s returns null',
    async (field) => {
      const { stripe } = await bench();
      const who = await customerWith(stripe);
      const intent = await stripe.paymentIntents.create({
        amount: 2_900,
        currency: 'usd',
        customer: who.customer,
      });
      const expanded = await stripe.paymentIntents.retrieve(intent.id, { expand: [field] });
      expect(expanded).toMatchObject({ [field]: null });
    },
  );

  it('expanding a valid field that the object does not have returns the object without it', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe);
    const { id } = await stripe.paymentIntents.create(offSession(who));
    const refund = await stripe.refunds.create({
      payment_intent: id,
      expand: ['failure_balance_transaction', 'charge'],
    });
    expect(refund.failure_balance_transaction).toBeUndefined();
    expect(refund.charge).toMatchObject({ object: 'charge' });
  });

  it.each(['nothing', 'currency', 'lines'])(
    'expanding the field %s of a payment is rejected',
    async (field) => {
      const { stripe } = await bench();
      const who = await customerWith(stripe);
      const { id } = await stripe.paymentIntents.create(offSession(who));
      const expanding = stripe.paymentIntents.retrieve(id, { expand: [field] });
      expect(await refused(expanding)).toMatchObject({ statusCode: 400, param: 'expand' });
    },
  );
});

describe('the account', () => {
  it('the account is retrieved with its settings', async () => {
    const { stripe } = await bench();
    const account = await stripe.accounts.retrieveCurrent();
    expect(account).toMatchObject({ object: 'account', country: 'US', charges_enabled: true });
    expect(account.settings?.dashboard.display_name).toBe('RSOLV');
    expect((await stripe.accounts.retrieve(account.id)).id).toBe(account.id);
    expect(await refused(stripe.accounts.retrieve('acct_x'))).toMatchObject({ statusCode: 404 });
  });

  it('the account returns an empty list for kinds of objects that the double does not keep', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe);
    for (const list of [
      stripe.coupons.list({ limit: 3 }),
      stripe.payouts.list({ status: 'paid' }),
      stripe.promotionCodes.list(),
      stripe.subscriptionSchedules.list({ customer: who.customer }),
      stripe.customers.listTaxIds(who.customer),
      stripe.taxRates.list(),
    ]) {
      expect(await list).toMatchObject({ object: 'list', data: [], has_more: false });
    }
  });
});
