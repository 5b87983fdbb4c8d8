import { describe, expect, it } from 'vitest';
import { bench, customerWith, offSession, post, refused, sdk } from './support.ts';

const CHARGE = { method: 'POST', path: '/v1/payment_intents' } as const;

const ready = async () => {
  const made = await bench();
  return { ...made, who: await customerWith(made.stripe), key: { idempotencyKey: 'k' } };
};

describe('a fault', () => {
  it.each([
    ['409', 409],
    ['429', 429],
    ['500_before', 500],
  ] as const)(
    'the fault %s happens before the effect, and a retry with the same key succeeds',
    async (kind, status) => {
      const { stripe, control, who, key } = await ready();
      await control('faults', { ...CHARGE, kind });
      expect(await refused(stripe.paymentIntents.create(offSession(who), key))).toMatchObject({
        statusCode: status,
      });
      expect((await stripe.charges.list()).data).toHaveLength(0);
      expect((await stripe.paymentIntents.create(offSession(who), key)).status).toBe('succeeded');
      expect((await stripe.charges.list()).data).toHaveLength(1);
    },
  );

  it('the fault 500_after happens after the effect, and its error is stored under the idempotency key', async () => {
    const { stripe, control, who, key } = await ready();
    await control('faults', { ...CHARGE, kind: '500_after' });
    for (const _ of [1, 2]) {
      expect(await refused(stripe.paymentIntents.create(offSession(who), key))).toMatchObject({
        statusCode: 500,
      });
    }
    expect((await stripe.charges.list()).data).toHaveLength(1);
  });

  it('the fault 500_after can store the answer under the idempotency key instead', async () => {
    const { stripe, control, who, key } = await ready();
    await control('faults', { ...CHARGE, kind: '500_after', saved: 'answer' });
    expect(await refused(stripe.paymentIntents.create(offSession(who), key))).toMatchObject({
      statusCode: 500,
    });
    expect((await stripe.paymentIntents.create(offSession(who), key)).status).toBe('succeeded');
    expect((await stripe.charges.list()).data).toHaveLength(1);
  });

  it.each([
    ['drop_before', 0],
    ['drop_after', 1],
  ] as const)(
    'the fault %s closes the connection with %d charges made; a retry makes it one',
    async (kind, made) => {
      const { stripe, control, who, key, running } = await ready();
      // The SDK itself retries a reset connection once.
      await control('faults', { ...CHARGE, kind, times: 2 });
      const error = await refused(stripe.paymentIntents.create(offSession(who), key));
      expect(error.type).toBe('StripeConnectionError');
      expect((await stripe.charges.list()).data).toHaveLength(made);
      await control('faults/clear');
      expect((await stripe.paymentIntents.create(offSession(who), key)).status).toBe('succeeded');
      expect((await stripe.charges.list()).data).toHaveLength(1);
      expect(running.double.calls.all.some(({ status, fault }) => status === null && fault === kind)).toBe(
        true,
      );
    },
  );

  it.each(['delay', 'delay_after'] as const)(
    'the fault %s makes the caller time out although the charge is made',
    async (kind) => {
      const { stripe, control, who, key, running } = await ready();
      await control('faults', { ...CHARGE, kind, ms: 300 });
      const impatient = sdk(running, undefined, 100);
      expect((await refused(impatient.paymentIntents.create(offSession(who), key))).type).toBe(
        'StripeConnectionError',
      );
      await new Promise((resolve) => setTimeout(resolve, 350));
      expect((await stripe.paymentIntents.create(offSession(who), key)).status).toBe('succeeded');
      expect((await stripe.charges.list()).data).toHaveLength(1);
    },
  );

  it('a fault affects the named calls as many times as requested, after the calls that it skips', async () => {
    const { stripe, control } = await ready();
    await control('faults', { path: '/v1/customers/*', kind: '500_before', times: 2, skip: 1 });
    const { id } = await stripe.customers.create();
    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      const answer = await stripe.customers.retrieve(id).then(
        () => 200,
        (error: { statusCode: number }) => error.statusCode,
      );
      statuses.push(answer);
    }
    expect(statuses).toEqual([200, 500, 500, 200]);
  });
});

describe('a control', () => {
  it('an invalid control request is rejected with the reason', async () => {
    const { control } = await bench();
    await expect(control('faults', { path: '/v1/customers', kind: 'meteor' })).rejects.toThrow(/400.*kind/s);
    await expect(control('clock', { seconds: -1 })).rejects.toThrow('400');
    await expect(control('disputes/du_x/close', { status: 'won' })).rejects.toThrow('404');
  });

  it('a page of another origin cannot send a control', async () => {
    const { running } = await bench();
    const response = await fetch(`${running.url}/_double/clock`, { method: 'POST', body: '{"seconds":1}' });
    expect(response.status).toBe(415);
    expect((await post(`${running.url}/_double/clock`, { seconds: 1 })).status).toBe(200);
  });
});

describe('what a browser can read', () => {
  it('the state dump is complete and has no secret that could pay or sign', async () => {
    const { stripe, running, who } = await ready();
    const intent = await stripe.paymentIntents.create(offSession(who));
    const { secret } = await stripe.webhookEndpoints.create({
      url: 'http://127.0.0.1:1',
      enabled_events: ['*'],
    });
    const text = await (await fetch(`${running.url}/_double/state`)).text();
    expect(JSON.parse(text)).toMatchObject({
      customers: [{ id: who.customer }],
      paymentIntents: [{ id: intent.id, client_secret: '***' }],
      charges: [{ amount: 2_900 }],
    });
    for (const hidden of [String(secret), String(intent.client_secret), 'sk_test_double']) {
      expect(text).not.toContain(hidden);
    }
  });

  it('the call log has parameters, idempotency keys and replays, and no API key', async () => {
    const { stripe, running, who, key } = await ready();
    for (const _ of [1, 2]) await stripe.paymentIntents.create(offSession(who), key);
    const text = await (await fetch(`${running.url}/_double/calls`)).text();
    expect(JSON.parse(text).slice(-2)).toMatchObject([
      {
        path: '/v1/payment_intents',
        idempotencyKey: 'k',
        status: 200,
        replayed: false,
        parameters: { amount: '2900' },
      },
      { path: '/v1/payment_intents', idempotencyKey: 'k', status: 200, replayed: true },
    ]);
    expect(text).not.toContain('sk_test_double');
  });

  it('the page shows the state and runs no code from it', async () => {
    const { stripe, running, who } = await ready();
    await stripe.customers.update(who.customer, { name: '<script>alert(1)</script>' });
    await stripe.paymentIntents.create(offSession(who));
    const response = await fetch(running.url);
    const page = await response.text();
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page).toContain('$29.00');
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toContain('<script');
    expect(page).not.toContain('sk_test_double');
  });
});
