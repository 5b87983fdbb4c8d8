import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { bench, customerWith, offSession, type Received, receiver, refused } from './support.ts';

/** A stand-in that sends events to a receiver with these answers. */
async function listening(
  answers: readonly number[] = [],
  events: Stripe.WebhookEndpointCreateParams.EnabledEvent[] = ['*'],
) {
  const made = await bench();
  const hook = await receiver(answers);
  const endpoint = await made.stripe.webhookEndpoints.create({
    url: hook.url,
    enabled_events: events,
    api_version: '2026-10-28.endive',
  });
  return {
    ...made,
    hook,
    endpoint,
    secret: String(endpoint.secret),
    idle: () => made.control('webhooks/idle'),
  };
}

const verified = (stripe: Stripe, { body, signature }: Received, secret: string): Stripe.Event =>
  stripe.webhooks.constructEvent(body, signature, secret);

describe('a delivery', () => {
  it('the SDK accepts a delivery’s signature, and only with its secret', async () => {
    const { stripe, hook, secret, idle } = await listening();
    const customer = await stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'k' });
    await idle();
    const [received] = hook.received;
    if (received === undefined) throw new Error('nothing was delivered');
    const event = verified(stripe, received, secret);
    expect(event).toMatchObject({
      object: 'event',
      type: 'customer.created',
      api_version: '2026-10-28.endive',
      livemode: false,
      pending_webhooks: 1,
      request: { id: customer.lastResponse.requestId, idempotency_key: 'k' },
      data: { object: { id: customer.id, name: 'Ada' } },
    });
    expect(() => verified(stripe, received, 'whsec_other')).toThrow(
      Stripe.errors.StripeSignatureVerificationError,
    );
    const forged = { ...received, body: received.body.replace('Ada', 'Eve') };
    expect(() => verified(stripe, forged, secret)).toThrow(Stripe.errors.StripeSignatureVerificationError);
  });

  it('a delivery is signed at real time, also when the clock was moved by months', async () => {
    const { stripe, hook, secret, idle, days } = await listening();
    await days(90);
    await stripe.customers.create();
    await idle();
    const [received] = hook.received;
    const at = Number(/^t=(\d+)/.exec(received?.signature ?? '')?.[1]);
    expect(Math.abs(at - Date.now() / 1_000)).toBeLessThan(60);
    if (received !== undefined)
      expect(verified(stripe, received, secret).created).toBeGreaterThan(at + 80 * 86_400);
  });

  it('a delivery has both signatures while a secret is rolled', async () => {
    const { stripe, hook, secret, endpoint, idle, control } = await listening();
    const rolled = await control(`webhook_endpoints/${endpoint.id}/roll_secret`);
    await stripe.customers.create();
    await idle();
    const [received] = hook.received;
    if (received === undefined) throw new Error('nothing was delivered');
    for (const one of [secret, String(rolled['secret'])])
      expect(verified(stripe, received, one).type).toBe('customer.created');
  });

  it('a delivery goes only to enabled endpoints with its event type', async () => {
    const { stripe, hook, endpoint, idle } = await listening([], ['customer.updated']);
    const { id } = await stripe.customers.create();
    await stripe.customers.update(id, { name: 'Ada' });
    await idle();
    expect(hook.types()).toEqual(['customer.updated']);
    await stripe.webhookEndpoints.update(endpoint.id, { disabled: true });
    await stripe.customers.update(id, { name: 'Grace' });
    await idle();
    expect(hook.types()).toHaveLength(1);
  });

  it.each([500, 400, 302])(
    'a delivery that is answered %d is retried, and each attempt is logged',
    async (status) => {
      const { stripe, hook, idle, running } = await listening([status, status]);
      await stripe.customers.create();
      await idle();
      expect(new Set(hook.received.map(({ body }) => JSON.parse(body).id)).size).toBe(1);
      const attempts = running.double.deliveries.attempts;
      expect(attempts.map((attempt) => [attempt.number, attempt.status])).toEqual([
        [1, status],
        [2, status],
        [3, 200],
      ]);
    },
  );

  it('a delivery ends when every attempt failed, and its event is listed as undelivered', async () => {
    const { stripe, hook, idle } = await listening([500, 500, 500]);
    await stripe.customers.create();
    await idle();
    expect(hook.received).toHaveLength(3);
    expect((await stripe.events.list({ delivery_success: false })).data).toHaveLength(1);
    await stripe.customers.create();
    await idle();
    expect((await stripe.events.list({ delivery_success: false })).data).toHaveLength(1);
    expect((await stripe.events.list({ delivery_success: true })).data).toHaveLength(1);
  });

  it('attempts at an unreachable endpoint are logged as failed', async () => {
    const { stripe, idle, running } = await listening();
    const url = 'http://127.0.0.1:1/';
    await stripe.webhookEndpoints.create({ url, enabled_events: ['*'] });
    await stripe.customers.create();
    await idle();
    const failed = running.double.deliveries.attempts.filter((attempt) => attempt.url === url);
    expect(failed.map(({ status, error }) => [status, error !== null])).toEqual(Array(3).fill([null, true]));
  });
});

describe('on request, deliveries', () => {
  it('deliveries are duplicated on request', async () => {
    const { stripe, hook, control, idle } = await listening();
    await control('webhooks', { duplicates: 2 });
    await stripe.customers.create();
    await idle();
    expect(hook.received).toHaveLength(3);
    expect(new Set(hook.received.map(({ body }) => body)).size).toBeLessThanOrEqual(2);
  });

  it('deliveries are delayed on request', async () => {
    const { stripe, hook, control, idle } = await listening();
    await control('webhooks', { delayMs: 150 });
    await stripe.customers.create();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(hook.received).toHaveLength(0);
    await idle();
    expect(hook.received).toHaveLength(1);
  });

  it('deliveries are shuffled on request, and none is lost', async () => {
    const made = await bench({ random: () => 0 });
    const hook = await receiver();
    await made.stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['*'] });
    const who = await customerWith(made.stripe);
    await made.control('webhooks/idle');
    hook.received.length = 0;
    await made.control('webhooks', { shuffle: true });
    await made.stripe.paymentIntents.create(offSession(who));
    await made.control('webhooks/idle');
    const inOrder = ['payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded'];
    expect(hook.types()).not.toEqual(inOrder);
    expect(hook.types().sort()).toEqual(inOrder.sort());
  });

  it('deliveries are held back and released on request', async () => {
    const { stripe, hook, control, idle } = await listening();
    await control('webhooks', { off: true });
    await stripe.customers.create();
    expect(await idle()).toEqual({ held: 1 });
    expect(hook.received).toHaveLength(0);
    await control('webhooks', { off: false });
    expect(await control('webhooks/release')).toEqual({ released: 1 });
    await idle();
    expect(hook.received).toHaveLength(1);
  });

  it('deliveries of an event that was accepted repeat the same event', async () => {
    const { stripe, hook, control, idle } = await listening();
    await stripe.customers.create();
    await idle();
    const id = (await stripe.events.list()).data[0]?.id;
    await control(`events/${id}/redeliver`);
    await idle();
    expect(hook.received.map(({ body }) => JSON.parse(body).id)).toEqual([id, id]);
  });
});

describe('an event', () => {
  it('an event keeps its object as it was at that time', async () => {
    const { stripe } = await bench();
    const { id } = await stripe.customers.create({ name: 'Ada' });
    await stripe.customers.update(id, { name: 'Grace', metadata: { a: '1' } });
    const [updated, created] = (await stripe.events.list()).data;
    expect(created?.data).toMatchObject({ object: { name: 'Ada', metadata: {} } });
    expect(updated?.data.previous_attributes).toEqual({ name: 'Ada', metadata: { a: null } });
    expect(await stripe.events.retrieve(String(created?.id))).toMatchObject({
      data: { object: { name: 'Ada' } },
    });
  });

  it('a call that changes nothing makes no event', async () => {
    const { stripe, eventTypes } = await bench();
    const { id } = await stripe.customers.create({ name: 'Ada' });
    await stripe.customers.update(id, { name: 'Ada' });
    expect(await eventTypes()).toEqual(['customer.created']);
  });

  it('events are listed by one type, by several, and by a prefix', async () => {
    const { stripe } = await bench();
    await stripe.paymentIntents.create(offSession(await customerWith(stripe)));
    const types = async (filter: Stripe.EventListParams) =>
      (await stripe.events.list(filter)).data.map(({ type }) => type);
    expect(await types({ type: 'charge.succeeded' })).toEqual(['charge.succeeded']);
    expect(await types({ type: 'payment_intent.*' })).toEqual([
      'payment_intent.succeeded',
      'payment_intent.created',
    ]);
    expect(await types({ types: ['customer.created', 'charge.succeeded'] })).toHaveLength(2);
    const many = Array<string>(21).fill('charge.succeeded');
    expect(await refused(stripe.events.list({ types: many }))).toMatchObject({ param: 'types' });
  });

  it('an event is kept for 30 days', async () => {
    const { stripe, days } = await bench();
    await stripe.customers.create();
    await days(29);
    expect((await stripe.events.list()).data).toHaveLength(1);
    await days(2);
    expect((await stripe.events.list()).data).toHaveLength(0);
  });
});

describe('a webhook endpoint', () => {
  it('a webhook endpoint returns its secret once, and keeps its API version', async () => {
    const { stripe, endpoint, running } = await listening();
    expect(endpoint.secret).toMatch(/^whsec_/);
    expect(await stripe.webhookEndpoints.retrieve(endpoint.id)).not.toHaveProperty('secret');
    expect((await stripe.webhookEndpoints.list()).data[0]).toMatchObject({
      api_version: '2026-10-28.endive',
    });
    const body = 'api_version=2020-08-27';
    const headers = { authorization: 'Bearer sk_test_double' };
    const path = `${running.url}/v1/webhook_endpoints/${endpoint.id}`;
    expect((await fetch(path, { method: 'POST', headers, body })).status).toBe(400);
    expect(await stripe.webhookEndpoints.del(endpoint.id)).toMatchObject({ deleted: true });
  });

  it('a webhook endpoint without a valid URL or event type is rejected', async () => {
    const { stripe } = await bench();
    const wrongUrl = stripe.webhookEndpoints.create({ url: 'nowhere', enabled_events: ['*'] });
    expect(await refused(wrongUrl)).toMatchObject({ code: 'url_invalid' });
    const nothing = stripe.webhookEndpoints.create({
      url: 'http://127.0.0.1:1',
      enabled_events: [],
    });
    expect(await refused(nothing)).toMatchObject({ param: 'enabled_events' });
  });
});

describe('a retry of an event', () => {
  it('a retried event goes to the named endpoint, or to all if none is named', async () => {
    const { stripe, running, control } = await bench();
    const [one, two] = [await receiver(), await receiver()];
    const endpoint = await stripe.webhookEndpoints.create({ url: one.url, enabled_events: ['*'] });
    await stripe.webhookEndpoints.create({ url: two.url, enabled_events: ['*'] });
    await stripe.customers.create();
    await control('webhooks/idle');
    const [event] = (await stripe.events.list()).data;
    const retry = (body: string) =>
      fetch(`${running.url}/v1/events/${event?.id}/retry`, {
        method: 'POST',
        headers: { authorization: 'Bearer sk_test_double' },
        body,
      });
    const answer = await retry(`webhook_endpoint=${endpoint.id}`);
    expect(await answer.json()).toMatchObject({ id: event?.id, object: 'event' });
    await control('webhooks/idle');
    expect([one.received.length, two.received.length]).toEqual([2, 1]);
    expect((await retry('for_stripecli=true')).status).toBe(200);
    await control('webhooks/idle');
    expect([one.received.length, two.received.length]).toEqual([3, 2]);
    expect((await retry('webhook_endpoint=we_x')).status).toBe(400);
  });
});
