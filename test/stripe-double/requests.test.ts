import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { API_KEY, bench, customerWith, errorOf, offSession, refused, sdk } from './support.ts';

const form = (url: string, path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${API_KEY}`,
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    body,
  });

describe('keys', () => {
  it('a wrong key is refused, and not repeated in the answer', async () => {
    const { running } = await bench();
    const error = await refused(sdk(running, 'sk_test_somebodyelses').customers.list());
    expect(error).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect(error.statusCode).toBe(401);
    expect(error.message).not.toContain('somebodyelses');
  });

  it('a missing key is refused, on a path that is not there too', async () => {
    const { running } = await bench();
    expect((await fetch(`${running.url}/v1/customers`)).status).toBe(401);
    expect((await fetch(`${running.url}/v1/nothing`)).status).toBe(401);
  });

  it('the user of basic authentication is a key', async () => {
    const { running } = await bench();
    const authorization = `Basic ${Buffer.from(`${API_KEY}:`).toString('base64')}`;
    expect((await fetch(`${running.url}/v1/customers`, { headers: { authorization } })).status).toBe(200);
  });

  it('a live key cannot be configured', async () => {
    await expect(bench({ apiKey: 'sk_live_x' })).rejects.toThrow(/test key/);
  });
});

describe('every answer', () => {
  it('has a request id, also when it refuses', async () => {
    const { stripe, running } = await bench();
    const customer = await stripe.customers.create();
    expect(customer.lastResponse.requestId).toMatch(/^req_/);
    expect((await refused(stripe.customers.retrieve('cus_x'))).requestId).toMatch(/^req_/);
    expect((await fetch(`${running.url}/v1/nothing`)).headers.get('request-id')).toMatch(/^req_/);
  });

  it('a path that is not served is 404 in the shape of Stripe', async () => {
    const { stripe } = await bench();
    const error = await refused(stripe.climate.products.list());
    expect(error).toMatchObject({ statusCode: 404, rawType: 'invalid_request_error' });
    expect(error.message).toContain('Unrecognized request URL (GET: /v1/climate/products)');
  });

  it('an id in the path that is not there is 404, one in a parameter 400 with its name', async () => {
    const { stripe } = await bench();
    const inPath = await refused(stripe.customers.retrieve('cus_x'));
    expect(inPath).toMatchObject({ statusCode: 404, code: 'resource_missing', param: 'id' });
    const inParameter = await refused(stripe.paymentMethods.attach('pm_card_visa', { customer: 'cus_x' }));
    expect(inParameter).toMatchObject({ statusCode: 400, code: 'resource_missing', param: 'customer' });
    expect(inParameter.message).toBe("No such customer: 'cus_x'");
  });
});

describe('parameters', () => {
  it.each([
    ['an unknown one is refused by its name', 'nmae=Ada', 'parameter_unknown', 'nmae'],
    [
      'an unknown one inside another too',
      'invoice_settings[foo]=1',
      'parameter_unknown',
      'invoice_settings[foo]',
    ],
    ['one inside an alternative too', 'address[planet]=mars', 'parameter_unknown', 'address[planet]'],
    ['what is no integer is refused', 'balance=much', 'parameter_invalid_integer', 'balance'],
    ['the prototype is only a name', '__proto__[a]=1', 'parameter_unknown', '__proto__'],
  ])('%s', async (_, body, code, param) => {
    const { running } = await bench();
    const response = await form(running.url, '/v1/customers', body);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ type: 'invalid_request_error', code, param });
  });

  it('a missing one is named', async () => {
    const { running } = await bench();
    const response = await form(running.url, '/v1/payment_intents', 'currency=usd');
    expect(await errorOf(response)).toMatchObject({ code: 'parameter_missing', param: 'amount' });
  });

  it.each(['a[b=1', 'a=1&a[b]=2', 'a[b]=2&a=1', 'a[b][c][d][e][f][g][h][i]=1'])(
    '%s cannot be read: 400',
    async (body) => {
      const { running } = await bench();
      const response = await form(running.url, '/v1/customers', body);
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({ type: 'invalid_request_error' });
    },
  );

  it('payment_method_types is refused at our version, and taken from tools that name none', async () => {
    const { stripe, running } = await bench();
    const body = 'amount=100&currency=usd&payment_method_types[0]=card';
    const ours = await form(running.url, '/v1/payment_intents', body, {
      'stripe-version': Stripe.API_VERSION,
    });
    expect(await errorOf(ours)).toMatchObject({ code: 'payment_method_types_no_longer_supported' });
    expect((await form(running.url, '/v1/payment_intents', body)).status).toBe(200);
    expect((await stripe.paymentIntents.list()).data).toHaveLength(1);
  });
});

describe('metadata', () => {
  it('is merged key by key; an empty value deletes its key, an empty hash all of them', async () => {
    const { stripe } = await bench();
    const { id } = await stripe.customers.create({ metadata: { a: '1', b: '2' } });
    const merged = await stripe.customers.update(id, { metadata: { b: '3', c: '4' } });
    expect(merged.metadata).toEqual({ a: '1', b: '3', c: '4' });
    const less = await stripe.customers.update(id, { metadata: { a: '' } });
    expect(less.metadata).toEqual({ b: '3', c: '4' });
    const untouched = await stripe.customers.update(id, { name: 'Ada' });
    expect(untouched.metadata).toEqual({ b: '3', c: '4' });
    expect((await stripe.customers.update(id, { metadata: '' })).metadata).toEqual({});
  });

  it('has at most 50 keys', async () => {
    const { stripe } = await bench();
    const metadata = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v']));
    expect(await refused(stripe.customers.create({ metadata }))).toMatchObject({ statusCode: 400 });
  });
});

describe('lists', () => {
  it('page forwards and backwards without a gap, the newest first', async () => {
    const { stripe } = await bench();
    const made: string[] = [];
    for (let i = 0; i < 5; i += 1) made.unshift((await stripe.customers.create()).id);
    const first = await stripe.customers.list({ limit: 2 });
    expect(first).toMatchObject({ object: 'list', url: '/v1/customers', has_more: true });
    expect(first.data.map(({ id }) => id)).toEqual(made.slice(0, 2));
    const second = await stripe.customers.list({ limit: 2, starting_after: String(made[1]) });
    expect(second.data.map(({ id }) => id)).toEqual(made.slice(2, 4));
    const back = await stripe.customers.list({ limit: 2, ending_before: String(made[4]) });
    expect(back.data.map(({ id }) => id)).toEqual(made.slice(2, 4));
    expect(back.has_more).toBe(true);
    const all: string[] = [];
    for await (const { id } of stripe.customers.list({ limit: 2 })) all.push(id);
    expect(all).toEqual(made);
  });

  it('a cursor that is not there and a limit out of bounds are refused', async () => {
    const { stripe } = await bench();
    expect(await refused(stripe.customers.list({ starting_after: 'cus_x' }))).toMatchObject({
      code: 'resource_missing',
      param: 'starting_after',
    });
    expect(await refused(stripe.customers.list({ limit: 101 }))).toMatchObject({ param: 'limit' });
  });

  it('filter by customer and by the time of creation', async () => {
    const { stripe, seconds } = await bench();
    const who = await customerWith(stripe);
    const other = await customerWith(stripe);
    await stripe.paymentIntents.create(offSession(who));
    await stripe.paymentIntents.create(offSession(other));
    await seconds(100);
    const late = await stripe.paymentIntents.create(offSession(who));
    expect((await stripe.paymentIntents.list({ customer: who.customer })).data).toHaveLength(2);
    const recent = await stripe.paymentIntents.list({
      customer: who.customer,
      created: { gte: late.created },
    });
    expect(recent.data.map(({ id }) => id)).toEqual([late.id]);
  });
});

describe('expand', () => {
  it('replaces an id by its object, also inside a list and through another one', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe);
    const { id } = await stripe.paymentIntents.create(offSession(who));
    const intent = await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge.customer'] });
    expect(intent.latest_charge).toMatchObject({
      object: 'charge',
      customer: { id: who.customer, object: 'customer' },
    });
    const list = await stripe.paymentIntents.list({ expand: ['data.customer'] });
    expect(list.data[0]?.customer).toMatchObject({ id: who.customer });
  });

  it('leaves alone what was not asked for', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe);
    expect((await stripe.paymentIntents.create(offSession(who))).customer).toBe(who.customer);
  });

  it('what cannot be expanded is refused, and nothing is charged', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe);
    for (const path of ['email_address', 'latest_charge.customer.default_payment_method.customer.customer']) {
      const error = await refused(stripe.paymentIntents.create({ ...offSession(who), expand: [path] }));
      expect(error).toMatchObject({ statusCode: 400, param: 'expand' });
    }
    expect((await stripe.charges.list()).data).toEqual([]);
  });
});
