import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Deps } from '../../lib/runtime/deps.ts';
import { keys } from '../../lib/store/keys.ts';
import { documents } from '../support/documents.ts';
import { uniqueEmail } from '../support/fixtures.ts';
import { someIp } from '../support/gateway.ts';
import { api, call } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';

let deps: Deps;
beforeAll(async () => {
  deps = await serveFromTestTable();
});

const onboard = (body: unknown, sourceIp?: string) =>
  call(api.onboardCustomer, { body, ...(sourceIp === undefined ? {} : { sourceIp }) });

describe('signing up', () => {
  it('signing up grants five trial credits and shows the key once', async () => {
    const email = uniqueEmail();
    const { status, body, headers } = await onboard({ name: 'Acme', email, source: 'gh_marketplace' });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      customer: {
        name: 'Acme',
        email,
        subscription_type: 'trial',
        credit_balance: 5,
        has_payment_method: false,
      },
    });
    expect(headers['cache-control']).toBe('no-store');
    const apiKey = String(body['api_key']);
    const statement = await call(api.listTransactions, { apiKey });
    expect(statement.body).toMatchObject({
      transactions: [
        { amount: 5, balance_after: 5, source: 'trial_signup', metadata: { source: 'gh_marketplace' } },
      ],
    });
    expect(statement.body).not.toHaveProperty('next_cursor');
  });

  it.each([
    ['a balance', { credit_balance: 100_000 }, ['credit_balance']],
    ['a plan', { subscription_type: 'pro' }, ['subscription_type']],
    ['an id', { customer_id: 'x' }, ['customer_id']],
    ['two of them', { credit_balance: 1, debt: -1 }, ['credit_balance', 'debt']],
  ])('a caller cannot set %s', async (_name, extra, fields) => {
    const { status, body } = await onboard({ name: 'Acme', email: uniqueEmail(), ...extra });
    expect(status).toBe(422);
    expect(body['errors']).toEqual(fields.map((field) => ({ field, message: 'is not a known field' })));
  });

  it.each([
    ['no name', { email: 'a@customer.example' }, 'name'],
    ['an empty name', { name: '  ', email: 'a@customer.example' }, 'name'],
    ['a name that is a number', { name: 5, email: 'a@customer.example' }, 'name'],
    ['a name with a line break', { name: 'a\nb', email: 'a@customer.example' }, 'name'],
    ['a very long name', { name: 'x'.repeat(201), email: 'a@customer.example' }, 'name'],
    ['no e-mail', { name: 'Acme' }, 'email'],
    ['a bad e-mail', { name: 'Acme', email: 'not an address' }, 'email'],
    ['a bad source', { name: 'Acme', email: 'a@customer.example', source: 'DROP TABLE' }, 'source'],
    ['a list', [], 'body'],
    ['null', null, 'body'],
  ])('%s is rejected with the field', async (_name, body, field) => {
    const answer = await onboard(body);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ field }] });
  });

  it.each(['x@mailinator.com', 'x@sub.mailinator.com', 'X@MAILINATOR.COM'])(
    '%s is recognised as disposable',
    async (email) => {
      const { status, body } = await onboard({ name: 'Acme', email });
      expect([status, body['code']]).toEqual([422, 'disposable_email']);
    },
  );

  it('of two concurrent sign-ups with one address, in any case, one gets 201 and one 409', async () => {
    const local = uniqueEmail().split('@')[0] ?? '';
    const answers = await Promise.all([
      onboard({ name: 'Acme', email: `A${local}@x.io` }),
      onboard({ name: 'Acme', email: `a${local}@x.io` }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'email_taken' });
  });

  it('the eleventh sign-up in a minute from one address is 429 with the time to retry', async () => {
    const ip = someIp();
    for (let n = 0; n < 10; n++) {
      expect((await onboard({ name: 'Acme', email: uniqueEmail() }, ip)).status).toBe(201);
    }
    const email = uniqueEmail();
    const { status, body, headers } = await onboard({ name: 'Acme', email }, ip);
    expect([status, body['code']]).toEqual([429, 'rate_limited']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
    // Rejected before anything was claimed: another sign-up can use the address.
    expect((await onboard({ name: 'Acme', email })).status).toBe(201);
  });

  it('a forwarded-for header does not change which address is counted', async () => {
    const ip = someIp();
    const statuses = [];
    for (let n = 0; n < 11; n++) {
      const headers = { 'x-forwarded-for': someIp(), forwarded: `for=${someIp()}` };
      const body = { name: 'Acme', email: uniqueEmail() };
      statuses.push((await call(api.onboardCustomer, { body, headers, sourceIp: ip })).status);
    }
    expect(statuses.at(-1)).toBe(429);
  });

  it('the rate-limit window of sign-ups is stored only as long as it counts (TTL)', async () => {
    const ip = someIp();
    await onboard({ name: 'Acme', email: uniqueEmail() }, ip);
    const { Item } = await documents(deps.table).send(
      new GetCommand({ TableName: deps.table.name, Key: { ...keys.rate(`onboard#${ip}`, 60) } }),
    );
    const secondsLeft = Number(Item?.['expires_at']) - Date.now() / 1000;
    expect(secondsLeft).toBeGreaterThan(50);
    expect(secondsLeft).toBeLessThanOrEqual(61);
  });
});
