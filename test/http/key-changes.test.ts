import { beforeAll, describe, expect, it, vi } from 'vitest';
import { apiKeyId, MAX_ACTIVE_KEYS } from '../../lib/domain/api-key.ts';
import { NO_SOLD_PRICES } from '../../lib/domain/plans.ts';
import { letterOf } from '../../lib/mail/letters.ts';
import { issueOnlyKey } from '../../lib/operations/accounts/api-keys.ts';
import { closeCustomer } from '../../lib/operations/accounts/close-customer.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { listActiveKeys, putFirstKey } from '../../lib/store/api-keys.ts';
import { writeTogether } from '../../lib/store/table.ts';
import { middlewareOf } from '../support/documents.ts';
import { type Answer, api, call, deployFix, fixBody, type SignedUp, signUp } from '../support/http.ts';
import { serveMoney } from '../support/http-money.ts';
import { SENDING } from '../support/letters.ts';
import { headOf } from '../support/money.ts';
import { allNoticesOf, noticeContentsOf } from '../support/notices.ts';

let deps: PaymentDeps;
beforeAll(async () => {
  const { money, stop } = await serveMoney();
  deps = money.deps;
  return stop;
});

const issue = (apiKey: string, body?: Record<string, unknown>): Promise<Answer> =>
  call(api.issueApiKey, { apiKey, ...(body !== undefined && { body }) });
const revoke = (apiKey: string, id: string): Promise<Answer> =>
  call(api.revokeApiKey, { apiKey, params: { id } });
const outcome = ({ status, body }: Answer) => [status, body['code']];
const list = async (apiKey: string) => (await call(api.listApiKeys, { apiKey })).body['api_keys'];
const works = async (apiKey: string) => (await call(api.getUsage, { apiKey })).status === 200;
const counts = async ({ customerId }: SignedUp) => {
  const { activeKeys, accountKeys } = await headOf(deps, customerId);
  return [activeKeys, accountKeys];
};

describe('a new key', () => {
  it('a key without a body, with an empty one or with null fields is an account key without a name', async () => {
    const { apiKey } = await signUp();
    for (const rawBody of ['', '{}', 'null', '{"name":null,"scope":null,"replaces":null}']) {
      const headers = { 'content-type': rawBody === '' ? 'text/plain' : 'application/json' };
      const { status, body } = await call(api.issueApiKey, { apiKey, rawBody, headers });
      expect([status, body['scope'], body['name']], rawBody).toEqual([201, 'account', null]);
    }
  });

  it('keys are listed with name, scope and day of last use, without the key, and revoked ones are left out', async () => {
    const customer = await signUp();
    const { body } = await issue(customer.apiKey, { name: '  CI of webshop ', scope: 'fixes' });
    const ciKey = String(body['api_key']);
    const other = await issue(customer.apiKey);
    await revoke(customer.apiKey, String(other.body['id']));
    const listed = async () => (await call(api.listApiKeys, { apiKey: customer.apiKey })).text;
    expect(JSON.parse(await listed())).toEqual({
      api_keys: [
        {
          id: customer.apiKeyId,
          name: null,
          scope: 'account',
          created_at: expect.any(String),
          last_used_on: new Date().toISOString().slice(0, 10),
        },
        {
          id: apiKeyId(ciKey),
          name: 'CI of webshop',
          scope: 'fixes',
          created_at: body['created_at'],
          last_used_on: null,
        },
      ],
    });
    expect(await listed()).not.toContain('rsolv_');
  });

  it('the day of last use is stored by recording, once a day, and not by a call that only reads', async () => {
    const { apiKey, customerId, apiKeyId: id } = await signUp();
    const lastUse = async () =>
      (await listActiveKeys(deps.table, customerId)).find(({ keyId }) => keyId === id)?.lastUsedOn;
    await call(api.getUsage, { apiKey });
    await list(apiKey);
    expect(await lastUse()).toBeNull();
    await call(api.recordFixAttempt, { apiKey, body: fixBody(1) });
    expect(await lastUse()).toBe(new Date().toISOString().slice(0, 10));
    const later = Date.now() + 3 * 24 * 60 * 60 * 1000;
    vi.useFakeTimers({ toFake: ['Date'], now: later });
    try {
      const { body } = await call(api.recordFixAttempt, { apiKey, body: fixBody(1) });
      expect(await lastUse()).not.toBe(new Date(later).toISOString().slice(0, 10));
      await call(api.billFixAttempt, { apiKey, params: { id: String(body['id']) } });
      expect(await lastUse()).toBe(new Date(later).toISOString().slice(0, 10));
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([
    ['a changed spending limit', api.changeSpendingLimit, { monthly_cents: 0 }],
    ['changed notice settings', api.changeNoticeSettings, { turned_off: [] }],
    ['a call with a limit of its own', api.issueApiKey, {}],
  ])('the day of last use is stored by %s', async (_, handler, body) => {
    const { apiKey, customerId } = await signUp();
    expect((await call(handler, { apiKey, body })).status).toBeLessThan(300);
    const [used] = await listActiveKeys(deps.table, customerId);
    expect(used?.lastUsedOn).toBe(new Date().toISOString().slice(0, 10));
  });

  it('fifty concurrent first recordings of a day are all recorded, and store the day', async () => {
    const { apiKey, customerId } = await signUp();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => call(api.recordFixAttempt, { apiKey, body: fixBody(n + 1) })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect((await listActiveKeys(deps.table, customerId))[0]?.lastUsedOn).not.toBeNull();
  });

  it('the twenty-first key in an hour is refused with the time to retry', async () => {
    const { apiKey } = await signUp();
    let current = apiKey;
    for (let n = 0; n < 20; n++) {
      const { status, body, text } = await issue(current, { replaces: apiKeyId(current) });
      expect(status, text).toBe(201);
      current = String(body['api_key']);
    }
    const refused = await issue(current);
    expect(outcome(refused)).toEqual([429, 'rate_limited']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3_500);
  });
});

describe('a key that replaces another one', () => {
  it('replacing issues and revokes in one step, also at the limit of keys, with one letter', async () => {
    const customer = await signUp();
    let last = '';
    for (let n = 1; n < MAX_ACTIVE_KEYS; n++) {
      const { body } = await issue(customer.apiKey, { scope: 'fixes' });
      last = String(body['api_key']);
    }
    expect(outcome(await issue(customer.apiKey))).toEqual([409, 'too_many_api_keys']);
    const letters = (await allNoticesOf(deps.table, customer.customerId)).length;
    const replaced = await issue(customer.apiKey, { scope: 'fixes', replaces: apiKeyId(last).slice(0, 8) });
    expect(replaced.status).toBe(201);
    expect(await works(last)).toBe(false);
    expect(await works(String(replaced.body['api_key']))).toBe(true);
    expect(await counts(customer)).toEqual([MAX_ACTIVE_KEYS, 1]);
    const told = await allNoticesOf(deps.table, customer.customerId);
    expect(told).toHaveLength(letters + 1);
    expect(told.find(({ id }) => id === replaced.body['id'])?.content).toMatchObject({
      kind: 'key_issued',
      scope: 'fixes',
      replaced: apiKeyId(last),
    });
  });

  it('forty rotations in three hours leave one key that works, and one letter for each', async () => {
    const customer = await signUp();
    let current = customer.apiKey;
    try {
      for (let n = 0; n < 40; n++) {
        if (n % 20 === 0) {
          const now = Date.now() + 61 * 60 * 1000;
          vi.useFakeTimers({ toFake: ['Date'], now });
        }
        const rotated = await issue(current, { replaces: apiKeyId(current).slice(0, 8) });
        expect(rotated.status, rotated.text).toBe(201);
        expect(await works(current)).toBe(false);
        current = String(rotated.body['api_key']);
      }
    } finally {
      vi.useRealTimers();
    }
    expect(await works(current)).toBe(true);
    expect(await counts(customer)).toEqual([1, 1]);
    const told = await noticeContentsOf(deps, customer.customerId, 'key_issued');
    expect(told).toHaveLength(40);
  });

  it('a key that is unknown, revoked or of another customer cannot be replaced, and no key is issued', async () => {
    const [customer, other] = [await signUp(), await signUp()];
    const { body } = await issue(customer.apiKey);
    await revoke(customer.apiKey, String(body['id']));
    for (const replaces of ['f'.repeat(64), String(body['id']), other.apiKeyId]) {
      const answer = await issue(customer.apiKey, { replaces });
      expect(outcome(answer)).toEqual([404, 'api_key_not_found']);
    }
    expect(outcome(await issue(customer.apiKey, { replaces: 'short' }))).toEqual([422, 'invalid_request']);
    expect(await counts(customer)).toEqual([1, 1]);
  });
});

describe('revoking', () => {
  it('the beginning of the id that a letter shows revokes the key, and the customer gets a letter', async () => {
    const customer = await signUp();
    const issued = await issue(customer.apiKey, { scope: 'fixes' });
    const notice = (await allNoticesOf(deps.table, customer.customerId)).find(
      ({ id }) => id === issued.body['id'],
    );
    if (notice === undefined) throw new Error('no notice');
    const letter = letterOf(notice, NO_SOLD_PRICES, SENDING);
    const path = /DELETE \/api\/v1\/api-keys\/(\w+)\./.exec(letter.next)?.[1] ?? '';
    expect(letter.paragraphs.join(' ')).toContain(`begins with ${path}`);
    const revoked = await revoke(customer.apiKey, path);
    expect(revoked.body).toMatchObject({ id: issued.body['id'] });
    expect((await revoke(customer.apiKey, path.toUpperCase())).body).toEqual(revoked.body);
    expect(await works(String(issued.body['api_key']))).toBe(false);
    expect(await noticeContentsOf(deps, customer.customerId, 'key_revoked')).toEqual([
      { kind: 'key_revoked', keyId: issued.body['id'], scope: 'fixes', by: 'customer' },
    ]);
  });

  it('fewer than eight characters name no key', async () => {
    const customer = await signUp();
    const issued = await issue(customer.apiKey);
    const answer = await revoke(customer.apiKey, String(issued.body['id']).slice(0, 7));
    expect(outcome(answer)).toEqual([404, 'api_key_not_found']);
    expect(answer.body['detail']).toContain('at least its first 8 characters');
  });

  it('a beginning that several active keys share is ambiguous, until one of them is active', async () => {
    const customer = await signUp();
    const [one, two] = [`abcdef01${'1'.repeat(56)}`, `abcdef01${'2'.repeat(56)}`];
    const createdAt = new Date().toISOString();
    const key = { name: null, scope: 'fixes', isTest: false, createdAt } as const;
    await writeTogether(
      deps.table,
      [one, two].map((keyId) => putFirstKey(customer.customerId, { ...key, keyId })),
    );
    const refused = await revoke(customer.apiKey, 'abcdef01');
    expect(outcome(refused)).toEqual([409, 'api_key_ambiguous']);
    expect(outcome(await issue(customer.apiKey, { replaces: 'abcdef01' }))).toEqual([
      409,
      'api_key_ambiguous',
    ]);
    expect((await revoke(customer.apiKey, `abcdef012`)).body['id']).toBe(two);
    expect((await revoke(customer.apiKey, 'abcdef01')).body['id']).toBe(one);
    expect(outcome(await revoke(customer.apiKey, 'abcdef01'))).toEqual([409, 'api_key_ambiguous']);
  });
});

describe('a key with which support ends all others', () => {
  it('a key that was issued during the listing, while another one ended, is ended too', async () => {
    const customer = await signUp();
    const { apiKeyId: first, customerId } = customer;
    let issued = '';
    const name = 'changed keys during the listing';
    // The part of the list with the new key was read before it was issued, the part with the first key later.
    middlewareOf(deps.table).add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName !== 'QueryCommand' || issued !== '') return next(args);
          issued = String((await issue(customer.apiKey)).body['api_key']);
          await revoke(issued, first);
          const answer = await next(args);
          return { ...answer, output: { ...answer.output, Items: [] } };
        },
      { step: 'initialize', priority: 'high', name },
    );
    const { ended } = await issueOnlyKey(deps, customerId, 'operator').finally(() =>
      middlewareOf(deps.table).remove(name),
    );
    expect(ended).toHaveLength(1);
    expect(await works(issued)).toBe(false);
    expect(await counts(customer)).toEqual([1, 1]);
    expect(await listActiveKeys(deps.table, customerId)).toHaveLength(1);
  });
});

describe('locking oneself out', () => {
  it('the last account key is not revoked, whatever other keys there are, and the answer says what to do', async () => {
    const customer = await signUp();
    await issue(customer.apiKey, { scope: 'fixes' });
    const refused = await revoke(customer.apiKey, customer.apiKeyId);
    expect(outcome(refused)).toEqual([409, 'last_key']);
    expect(refused.body['detail']).toContain('POST /api/v1/api-keys with `replaces`');
    expect(await works(customer.apiKey)).toBe(true);
    expect(await noticeContentsOf(deps, customer.customerId, 'key_revoked')).toEqual([]);
    expect(await counts(customer)).toEqual([2, 1]);
  });

  it('of two account keys that revoke each other at once, one stays', async () => {
    const customer = await signUp();
    const { body } = await issue(customer.apiKey);
    const other = { apiKey: String(body['api_key']), id: String(body['id']) };
    const answers = await Promise.all([
      revoke(customer.apiKey, other.id),
      revoke(other.apiKey, customer.apiKeyId),
    ]);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect([await works(customer.apiKey), await works(other.apiKey)].filter(Boolean)).toHaveLength(1);
    expect(await counts(customer)).toEqual([1, 1]);
  });

  it('the last account key is replaced by another account key, but not by a key for fixes', async () => {
    const customer = await signUp();
    const body = { replaces: customer.apiKeyId };
    const refused = await issue(customer.apiKey, { ...body, scope: 'fixes' });
    expect(outcome(refused)).toEqual([409, 'last_key']);
    expect(await works(customer.apiKey)).toBe(true);
    const replaced = await issue(customer.apiKey, body);
    expect(replaced.status).toBe(201);
    expect(await works(customer.apiKey)).toBe(false);
    expect(outcome(await revoke(String(replaced.body['api_key']), String(replaced.body['id'])))).toEqual([
      409,
      'last_key',
    ]);
    expect(await counts(customer)).toEqual([1, 1]);
  });

  it('closing an account ends its last key without a letter, and nothing else does', async () => {
    const customer = await signUp();
    await deployFix(customer.apiKey, 1);
    await closeCustomer(deps, customer.customerId);
    expect(await works(customer.apiKey)).toBe(false);
    expect(await counts(customer)).toEqual([0, 0]);
    expect(await noticeContentsOf(deps, customer.customerId, 'key_revoked')).toEqual([]);
  });
});
