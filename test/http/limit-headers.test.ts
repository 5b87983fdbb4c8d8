import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { RECORDINGS } from '../../lib/domain/fix-attempt.ts';
import { keys } from '../../lib/store/keys.ts';
import { writeTogether } from '../../lib/store/table.ts';
import { put } from '../../lib/store/write.ts';
import { contentsOf, keyOf } from '../support/contents.ts';
import { countedIn, heard } from '../support/counted.ts';
import { uniqueEmail } from '../support/fixtures.ts';
import { someIp } from '../support/gateway.ts';
import { type Answer, api, call, fixBody, signUp } from '../support/http.ts';
import { addCard, recorded, serveMoney } from '../support/http-money.ts';
import type { Money } from '../support/money.ts';

/* The header fields RateLimit-Policy and RateLimit, and the metrics and log lines of refusals. */

const PER_MINUTE = 30;
const NOON = new Date('2026-12-01T12:00:00.000Z');

let money: Money;
beforeAll(async () => {
  process.env['KEY_CALLS_PER_MINUTE'] = String(PER_MINUTE);
  const served = await serveMoney();
  money = served.money;
  return served.stop;
});
// No minute ends during a test.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOON }));
afterEach(() => void vi.useRealTimers());

const fieldsOf = ({ headers }: Answer) => [headers['ratelimit-policy'], headers['ratelimit']];
const KEY = `"key";q=${PER_MINUTE};w=60`;

describe('the limit of calls with one key', () => {
  it('the calls of a key beyond its limit are 429 until the minute ends, and a new minute is free', async () => {
    const { apiKey } = await signUp();
    const answers = [];
    for (let n = 0; n <= PER_MINUTE; n++) answers.push(await call(api.getUsage, { apiKey }));
    const refused = answers.pop();
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(answers.slice(0, 2).map(fieldsOf)).toEqual([
      [KEY, `"key";r=${PER_MINUTE - 1};t=60`],
      [KEY, `"key";r=${PER_MINUTE - 2};t=60`],
    ]);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(refused?.headers).toMatchObject({
      'retry-after': '60',
      'ratelimit-policy': KEY,
      ratelimit: '"key";r=0;t=60',
    });
    expect(refused?.body).not.toHaveProperty('limit');
    vi.setSystemTime(NOON.getTime() + 60_000);
    expect((await call(api.getUsage, { apiKey })).status).toBe(200);
  });

  it('the calls of a key count together for all functions: reads, recording and billing', async () => {
    const { apiKey } = await signUp();
    for (let n = 0; n < PER_MINUTE; n++) await call(api.getUsage, { apiKey });
    expect((await call(api.recordFixAttempt, { apiKey, body: fixBody(1) })).status).toBe(429);
    expect((await call(api.billFixAttempt, { apiKey, params: { id: 'f1' } })).status).toBe(429);
    expect((await call(api.listTransactions, { apiKey })).status).toBe(429);
  });

  it('a key that is not valid is not counted, and its answer has no limit', async () => {
    const { apiKey } = await signUp();
    const unknown = `${apiKey.slice(0, -4)}AAAA`;
    const before = (await contentsOf(money.deps.table)).map(keyOf);
    const answers = [];
    for (let n = 0; n <= PER_MINUTE; n++) answers.push(await call(api.getUsage, { apiKey: unknown }));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(fieldsOf(await call(api.getUsage, { apiKey: unknown }))).toEqual([undefined, undefined]);
    expect((await contentsOf(money.deps.table)).map(keyOf)).toEqual(before);
  });

  it('a refusal is counted and logged with the name of its limit and its customer', async () => {
    const { apiKey, customerId } = await signUp();
    for (let n = 0; n < PER_MINUTE; n++) await call(api.getUsage, { apiKey });
    const { lines } = await heard(() => call(api.getUsage, { apiKey }));
    expect(countedIn(lines)).toEqual(['RateLimited', 'KeyAccepted']);
    const facts = { status: 429, code: 'rate_limited', limit: 'key', customer_id: customerId };
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(expect.objectContaining(facts));
  });
});

describe('limits of single calls', () => {
  it('a card call says what is left of its own limit and of the key, also when the card is declined', async () => {
    const { apiKey } = await signUp();
    const policies = `${KEY}, "cards";q=20;w=3600`;
    const first = await addCard(apiKey, await money.newCard());
    expect(fieldsOf(first)).toEqual([policies, `"key";r=${PER_MINUTE - 1};t=60, "cards";r=19;t=3600`]);
    vi.setSystemTime(NOON.getTime() + 20_000);
    const declined = await addCard(apiKey, 'pm_card_chargeDeclined');
    expect(declined.status).toBe(402);
    expect(fieldsOf(declined)).toEqual([policies, `"key";r=${PER_MINUTE - 2};t=40, "cards";r=18;t=3580`]);
  });

  it('a refused card call has no calls left until its retry-after', async () => {
    const { apiKey } = await signUp();
    for (let n = 0; n < 20; n++) await addCard(apiKey, 'pm_card_chargeDeclined');
    const refused = await addCard(apiKey, 'pm_card_chargeDeclined');
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '3600']);
    expect(refused.headers['ratelimit']).toContain('"cards";r=0;t=3600');
  });

  it('subscribing and cancelling share one limit', async () => {
    const { apiKey } = await signUp();
    const subscribed = await call(api.subscribe, { apiKey, body: { plan: 'pro' } });
    const cancelled = await call(api.cancelSubscription, { apiKey });
    expect([subscribed.status, cancelled.status]).toEqual([402, 404]);
    expect(subscribed.headers['ratelimit']).toContain('"subscriptions";r=19;t=3600');
    expect(cancelled.headers['ratelimit']).toContain('"subscriptions";r=18;t=3600');
  });

  it('a sign-up announces its limit, and a refused one says when the next is allowed', async () => {
    const sourceIp = someIp();
    const post = () => call(api.onboardCustomer, { body: { name: 'Acme', email: uniqueEmail() }, sourceIp });
    expect(fieldsOf(await post())).toEqual(['"sign-ups";q=10;w=60', undefined]);
    for (let n = 1; n < 10; n++) await post();
    const { result: refused, lines } = await heard(post);
    expect(fieldsOf(refused)).toEqual(['"sign-ups";q=10;w=60', '"sign-ups";r=0;t=60']);
    expect(countedIn(lines)).toEqual(['RateLimited', 'SignUpLimited']);
  });

  it('recording announces the limit of a day, and a refusal says when the day ends', async () => {
    const { apiKey, customerId } = await signUp();
    const { headers } = await call(api.recordFixAttempt, { apiKey, body: fixBody(1) });
    expect(headers['ratelimit-policy']).toBe(`${KEY}, "recordings";q=3200;w=86400`);
    const today = keys.recorded(customerId, '2026-12-01', 2);
    await writeTogether(money.deps.table, [put({ ...today, recorded: RECORDINGS.limit / 16 })]);
    const refused = await call(api.recordFixAttempt, { apiKey, body: fixBody(2) });
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '43200' } });
    expect(refused.headers['ratelimit']).toContain('"recordings";r=0;t=43200');
    await recorded(apiKey, 3);
  });
});

describe('refused sign-ups', () => {
  it.each([
    ['a disposable address', { name: 'Acme', email: 'jane@mailinator.com' }, 422, 'SignUpDisposable'],
    ['an invalid address', { name: 'Acme', email: 'jane' }, 422, 'SignUpInvalid'],
  ])('a sign-up with %s is counted by its reason, without the address', async (_, body, status, metric) => {
    const { result, lines } = await heard(() => call(api.onboardCustomer, { body }));
    expect([result.status, countedIn(lines)]).toEqual([status, [metric]]);
    for (const line of lines) expect(line).not.toContain('jane');
  });

  it('a sign-up with an address in use is counted by its reason', async () => {
    const body = { name: 'Acme', email: uniqueEmail() };
    await call(api.onboardCustomer, { body });
    const { lines } = await heard(() => call(api.onboardCustomer, { body }));
    expect(countedIn(lines)).toEqual(['SignUpTaken']);
  });
});
