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
  it('a wrong key is rejected, and not repeated in the answer', async () => {
    const { running } = await bench();
    const error = await refused(sdk(running, 'sk_test_somebodyelses').customers.list());
    expect(error).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect(error.statusCode).toBe(401);
    expect(error.message).not.toContain('somebodyelses');
  });

  it('a missing key is rejected, also on an unknown path', async () => {
    const { running } = await bench();
    expect((await fetch(`${running.url}/v1/customers`)).status).toBe(401);
    expect((await fetch(`${running.url}/v1/nothing`)).status).toBe(401);
  });

  it('the user name of basic authentication is used as the key', async () => {
    const { running } = await bench();
    const authorization = `Basic ${Buffer.from(`${API_KEY}:`).toString('base64')}`;
    expect((await fetch(`${running.url}/v1/customers`, { headers: { authorization } })).status).toBe(200);
  });

  it('a live key cannot be configured', async () => {
    await expect(bench({ apiKey: 'sk_live_x' })).rejects.toThrow(/test key/);
  });
});

describe('every answer', () => {
  it('every answer has a request id, also an error', async () => {
    const { stripe, running } = await bench();
    const customer = await stripe.customers.create();
    expect(customer.lastResponse.requestId).toMatch(/^req_/);
    expect((await refused(stripe.customers.retrieve('cus_x'))).requestId).toMatch(/^req_/);
    expect((await fetch(`${running.url}/v1/nothing`)).headers.get('request-id')).toMatch(/^req_/);
  });

  it('an unknown path returns 404 in Stripe’s error format', async () => {
    const { stripe } = await bench();
    const error = await refused(stripe.climate.products.list());
    expect(error).toMatchObject({ statusCode: 404, rawType: 'invalid_request_error' });
    expect(error.message).toContain('Unrecognized request URL (GET: /v1/climate/products)');
  });

  it('an unknown id returns 404 in the path, and 400 with its name in a parameter', async () => {
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

  it('a missing parameter is named in the error', async () => {
    const { running } = await bench();
    const response = await form(running.url, '/v1/payment_intents', 'currency=usd');
    expect(await errorOf(response)).toMatchObject({ code: 'parameter_missing', param: 'amount' });
  });

  it.each(['a[b=1', 'a=1&a[b]=2', 'a[b]=2&a=1', 'a[b][c][d][e][f][g][h][i]=1'])(
    'the body %s is invalid and returns 400',
    async (body) => {
      const { running } = await bench();
      const response = await form(running.url, '/v1/customers', body);
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({ type: 'invalid_request_error' });
    },
  );

  it('payment_method_types is rejected at our version, and accepted without a version', async () => {
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
  it('metadata is merged by key; an empty value deletes its key, an empty hash deletes all keys', async () => {
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

  it('metadata has at most 50 keys', async () => {
    const { stripe } = await bench();
    const metadata = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v']));
    expect(await refused(stripe.customers.create({ metadata }))).toMatchObject({ statusCode: 400 });
  });
});

describe('lists', () => {
  it('lists page forwards and backwards without a gap, newest first', async () => {
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

  it('lists reject an unknown cursor and a limit out of range', async () => {
    const { stripe } = await bench();
    expect(await refused(stripe.customers.list({ starting_after: 'cus_x' }))).toMatchObject({
      code: 'resource_missing',
      param: 'starting_after',
    });
    expect(await refused(stripe.customers.list({ limit: 101 }))).toMatchObject({ param: 'limit' });
  });

  it('lists filter by customer and creation time', async () => {
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
  it('expand replaces an id by its object, also inside a list and through another object', async () => {
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

  it('fields that are not expanded stay ids', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe);
    expect((await stripe.paymentIntents.create(offSession(who))).customer).toBe(who.customer);
  });

  it('a field that cannot be expanded is rejected, and nothing is charged', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe);
    for (const path of ['email_address', 'latest_charge.customer.default_payment_method.customer.customer']) {
      const error = await refused(stripe.paymentIntents.create({ ...offSession(who), expand: [path] }));
      expect(error).toMatchObject({ statusCode: 400, param: 'expand' });
    }
    expect((await stripe.charges.list()).data).toEqual([]);
  });
});
