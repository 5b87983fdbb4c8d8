import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readEventRecord } from '../../lib/store/events.ts';
import { signatureHeader } from '../../local/stripe-double/webhooks/signature.ts';
import { uniqueEmail } from '../../test/support/fixtures.ts';
import { api, fixBody, type SignedUp, signUp } from '../../test/support/http.ts';
import { recorded, serveMoney } from '../../test/support/http-money.ts';
import type { Money } from '../../test/support/money.ts';
import { send } from './send.ts';

/* Regression tests: what the random requests of this folder found, once each. */

const SECRET = `whsec_${randomBytes(16).toString('hex')}`;
const nowSeconds = (): number => Math.floor(Date.now() / 1000);

let money: Money;
let stop = async () => {};
let customer: SignedUp;
beforeAll(async () => {
  ({ money, stop } = await serveMoney());
  vi.stubEnv('STRIPE_WEBHOOK_SECRETS', SECRET);
  customer = await signUp();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await stop();
});

describe('text with half a surrogate pair', () => {
  it.each([
    ['in a name', () => ({ name: 'Acme \ud800', email: uniqueEmail() })],
    ['in an unknown field', () => ({ name: 'Acme', email: uniqueEmail(), '\udfff': 1 })],
  ])('sign-up with half a surrogate pair %s is rejected as malformed JSON', async (_, body) => {
    const { status, code } = await send(api.onboardCustomer, { body: body() });
    expect([status, code]).toEqual([400, 'malformed_json']);
  });

  it.each([
    ['in a title', { pr_title: 'Fix \udfff' }],
    ['deep in metadata', { metadata: { a: [{ b: '\ud800' }] } }],
  ])('a fix with half a surrogate pair %s is rejected as malformed JSON', async (_, more) => {
    const { apiKey } = customer;
    const { status, code } = await send(api.recordFixAttempt, { apiKey, body: fixBody(1, more) });
    expect([status, code]).toEqual([400, 'malformed_json']);
  });
});

describe('a call that takes no body', () => {
  it.each([
    ['{}', 200],
    ['', 200],
    ['{"amount_cents":0}', 422],
  ])(
    'a call without a body reads %j in base64 too, if the gateway does not know the content type',
    async (body, status) => {
      const { apiKey } = customer;
      const what = { apiKey, rawBody: Buffer.from(body).toString('base64'), isBase64Encoded: true };
      const params = await recorded(apiKey, 2);
      expect((await send(api.billFixAttempt, { ...what, params })).status).toBe(status);
    },
  );
});

describe('a signature header that Stripe would not send', () => {
  it.each([
    ['an empty signature', 'v1='],
    ['two-byte letters', `v1=${'é'.repeat(64)}`],
  ])('a webhook signature of %s is rejected as invalid', async (_, signature) => {
    const headers = { 'stripe-signature': `t=${nowSeconds()},${signature}` };
    const { status, code } = await send(api.stripeWebhook, { rawBody: 'no JSON', headers });
    expect([status, code]).toEqual([400, 'invalid_signature']);
  });

  it('a webhook signature from the future is rejected as invalid, also for a body that is not JSON', async () => {
    const headers = { 'stripe-signature': signatureHeader('no JSON', [SECRET], nowSeconds() + 1_000) };
    const { code } = await send(api.stripeWebhook, { rawBody: 'no JSON', headers });
    expect(code).toBe('invalid_signature');
  });
});

describe('an event that no retry can help', () => {
  const deliver = (more: Record<string, unknown>) => {
    const event = {
      id: `evt_${randomBytes(8).toString('hex')}`,
      object: 'event',
      type: 'charge.dispute.created',
      api_version: '2026-10-28.endive',
      created: 1_800_000_000,
      livemode: false,
      data: { object: { id: 'dp_1', charge: 'ch_1' } },
      ...more,
    };
    const rawBody = JSON.stringify(event);
    const headers = { 'stripe-signature': signatureHeader(rawBody, [SECRET], nowSeconds()) };
    return { id: event.id, answer: send(api.stripeWebhook, { rawBody, headers }) };
  };

  it.each([
    ['with a year out of range', { created: 9e12 }],
    ['with a version that exceeds the item size', { api_version: 'v'.repeat(500_000) }],
    ['with half a surrogate pair as its type', { type: '\ud800' }],
  ])('a signed body %s is rejected as an invalid request', async (_, more) => {
    const { status, code } = await deliver(more).answer;
    expect([status, code]).toEqual([422, 'invalid_request']);
  });

  const dispute = (charge: string) => ({ data: { object: { id: 'dp_1', charge } } });
  it.each([
    ['with an empty id', dispute('')],
    ['with an id that is a path to the list of charges', dispute('.')],
    ['with an id that is a path to the parent', dispute('..')],
    ['with half a surrogate pair as an id', dispute('\ud800')],
    [
      'with an id that exceeds the key size',
      {
        type: 'customer.subscription.paused',
        data: { object: { id: 'sub_1', customer: 'c'.repeat(3_000) } },
      },
    ],
  ])('an event %s is parked', async (_, more) => {
    const { id, answer } = deliver(more);
    const { status, text } = await answer;
    expect([status, JSON.parse(text)]).toEqual([200, { received: true, outcome: 'parked' }]);
    expect(await readEventRecord(money.deps.table, id)).toMatchObject({ outcome: 'parked' });
  });
});
