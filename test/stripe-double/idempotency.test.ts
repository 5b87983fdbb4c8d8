import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { bench, customerWith, headerOf, offSession, refused } from './support.ts';

const replayHeader = (answer: { lastResponse: { headers: Record<string, string> } }): string | undefined =>
  answer.lastResponse.headers['idempotent-replayed'];

describe('an idempotency key', () => {
  it('an idempotency key replays status and body, and the money moves once', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe);
    const first = await stripe.paymentIntents.create(offSession(who), { idempotencyKey: 'k' });
    const again = await stripe.paymentIntents.create(offSession(who), { idempotencyKey: 'k' });
    expect(again).toEqual(first);
    expect(replayHeader(first)).toBeUndefined();
    expect(replayHeader(again)).toBe('true');
    expect((await stripe.charges.list()).data).toHaveLength(1);
  });

  it('an idempotency key replays the status and body of a decline', async () => {
    const { stripe } = await bench();
    const who = await customerWith(stripe, 'pm_card_chargeCustomerFail');
    const first = await refused(stripe.paymentIntents.create(offSession(who), { idempotencyKey: 'k' }));
    const again = await refused(stripe.paymentIntents.create(offSession(who), { idempotencyKey: 'k' }));
    expect(again).toBeInstanceOf(Stripe.errors.StripeCardError);
    expect(again.raw).toMatchObject({ charge: first.charge, code: 'card_declined' });
    expect(headerOf(again, 'idempotent-replayed')).toBe('true');
    expect((await stripe.charges.list()).data).toHaveLength(1);
  });

  it('an idempotency key replays the first answer although the object has changed since', async () => {
    const { stripe } = await bench();
    const first = await stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'k' });
    await stripe.customers.update(first.id, { name: 'Grace' });
    expect((await stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'k' })).name).toBe('Ada');
  });

  it('an idempotency key is rejected with other parameters or at another endpoint', async () => {
    const { stripe } = await bench();
    await stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'k' });
    const otherInput = await refused(stripe.customers.create({ name: 'Grace' }, { idempotencyKey: 'k' }));
    expect(otherInput).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
    expect(otherInput.statusCode).toBe(400);
    const otherPlace = await refused(stripe.products.create({ name: 'Ada' }, { idempotencyKey: 'k' }));
    expect(otherPlace).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
  });

  it('the order of the parameters does not matter for an idempotency key', async () => {
    const { stripe } = await bench();
    const first = await stripe.customers.create(
      { name: 'Ada', email: 'a@b.example' },
      { idempotencyKey: 'k' },
    );
    const again = await stripe.customers.create(
      { email: 'a@b.example', name: 'Ada' },
      { idempotencyKey: 'k' },
    );
    expect(again.id).toBe(first.id);
  });

  it('an idempotency key in flight returns 409, and the first request completes', async () => {
    const { stripe, control } = await bench();
    await control('faults', { path: '/v1/customers', kind: 'delay', ms: 300 });
    const slow = stripe.customers.create({}, { idempotencyKey: 'k' });
    await new Promise((resolve) => setTimeout(resolve, 80));
    const error = await refused(stripe.customers.create({}, { idempotencyKey: 'k' }));
    expect(error).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use', type: 'StripeAPIError' });
    const { id } = await slow;
    expect((await stripe.customers.create({}, { idempotencyKey: 'k' })).id).toBe(id);
  });

  it('an idempotency key replays an error of a request that was executed', async () => {
    const { stripe } = await bench();
    const call = () =>
      stripe.paymentIntents.create(
        { amount: 500, currency: 'usd', customer: 'cus_x' },
        { idempotencyKey: 'k' },
      );
    await refused(call());
    expect(headerOf(await refused(call()), 'idempotent-replayed')).toBe('true');
  });

  it('an idempotency key can be reused after a validation failure', async () => {
    const { stripe, running } = await bench();
    const headers = { authorization: 'Bearer sk_test_double', 'idempotency-key': 'k' };
    const wrong = await fetch(`${running.url}/v1/customers`, { method: 'POST', headers, body: 'x=1' });
    expect(wrong.status).toBe(400);
    expect((await stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'k' })).name).toBe('Ada');
  });

  it('an idempotency key can be reused after a 429', async () => {
    const { stripe, control } = await bench();
    await control('faults', { path: '/v1/customers', kind: '429' });
    const error = await refused(stripe.customers.create({}, { idempotencyKey: 'k' }));
    expect(error).toMatchObject({ statusCode: 429, code: 'rate_limit', type: 'StripeRateLimitError' });
    expect(replayHeader(await stripe.customers.create({}, { idempotencyKey: 'k' }))).toBeUndefined();
  });

  it('an idempotency key expires after a day of the double’s clock, and not earlier', async () => {
    const { stripe, seconds } = await bench();
    const first = await stripe.customers.create({}, { idempotencyKey: 'k' });
    await seconds(24 * 3_600 - 60);
    expect((await stripe.customers.create({}, { idempotencyKey: 'k' })).id).toBe(first.id);
    await seconds(61);
    expect((await stripe.customers.create({}, { idempotencyKey: 'k' })).id).not.toBe(first.id);
  });

  it('an idempotency key has at most 255 characters', async () => {
    const { stripe } = await bench();
    expect(await refused(stripe.customers.create({}, { idempotencyKey: 'k'.repeat(256) }))).toMatchObject({
      statusCode: 400,
    });
  });
});
