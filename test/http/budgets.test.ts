import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Deps } from '../../lib/deps.ts';
import { writeHistory } from '../support/history.ts';
import { api, call, deployFix, fixBody, type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';
import {
  type RecordingProxy,
  startRecordingProxy,
  transactionWriteUnits,
} from '../support/recording-proxy.ts';

/* What each call costs in DynamoDB, counted on the wire: these are promises to whoever pays the bill. */

let deps: Deps;
let proxy: RecordingProxy;
let customer: SignedUp;
beforeAll(async () => {
  deps = await serveFromTestTable();
  proxy = await startRecordingProxy(inject('dynamodbEndpoint'));
  process.env['DYNAMODB_ENDPOINT'] = proxy.endpoint;
  customer = await signUp();
});
afterAll(() => proxy.close());

async function operations(work: () => Promise<unknown>): Promise<string[]> {
  return (await proxy.record(work)).map(({ operation }) => operation);
}

async function recorded(prNumber: number): Promise<{ id: string }> {
  const { body } = await call(api.recordFixAttempt, { apiKey: customer.apiKey, body: fixBody(prNumber) });
  return { id: String(body['id']) };
}

describe('DynamoDB calls', () => {
  it('billing a fix takes one read and one transaction of three items, 6 write units', async () => {
    const params = await recorded(1);
    const calls = await proxy.record(() => call(api.billFixAttempt, { apiKey: customer.apiKey, params }));
    expect(calls.map(({ operation }) => operation)).toEqual(['BatchGetItem', 'TransactWriteItems']);
    expect(calls.slice(1).map(transactionWriteUnits)).toEqual([6]);
  });

  it('billing it again takes one read', async () => {
    const params = await recorded(1);
    expect(await operations(() => call(api.billFixAttempt, { apiKey: customer.apiKey, params }))).toEqual([
      'BatchGetItem',
    ]);
  });

  it('a blocked fix takes one read', async () => {
    const poor = await signUp();
    for (const pr of [1, 2, 3, 4, 5]) await deployFix(poor.apiKey, pr);
    const { body } = await call(api.recordFixAttempt, { apiKey: poor.apiKey, body: fixBody(6) });
    const params = { id: String(body['id']) };
    expect(await operations(() => call(api.billFixAttempt, { apiKey: poor.apiKey, params }))).toEqual([
      'BatchGetItem',
    ]);
  });

  it('recording takes a read and a write, recording again and looking up one read each', async () => {
    const { apiKey } = customer;
    const record = () => call(api.recordFixAttempt, { apiKey, body: fixBody(2) });
    expect(await operations(record)).toEqual(['BatchGetItem', 'PutItem']);
    expect(await operations(record)).toEqual(['BatchGetItem']);
    const query = { github_org: 'acme', repo_name: 'webshop', pr_number: '2' };
    expect(await operations(() => call(api.findFixAttempt, { apiKey, query }))).toEqual(['BatchGetItem']);
  });

  it('GET /usage costs the same two calls after 10,000 entries as after 10', async () => {
    const usage = (apiKey: string) => operations(() => call(api.getUsage, { apiKey }));
    const [short, long] = [await signUp(), await signUp()];
    await writeHistory(deps, short.customerId, 9);
    await writeHistory(deps, long.customerId, 9_999);
    expect(await usage(short.apiKey)).toEqual(['BatchGetItem', 'Query']);
    expect(await usage(long.apiKey)).toEqual(['BatchGetItem', 'Query']);
  });

  it('a page of the statement takes two calls wherever it lies', async () => {
    const { apiKey, customerId } = await signUp();
    await writeHistory(deps, customerId, 500);
    const first = await call(api.listTransactions, { apiKey, query: { limit: '100' } });
    const query = { limit: '100', cursor: String(first.body['next_cursor']) };
    expect(await operations(() => call(api.listTransactions, { apiKey, query }))).toEqual([
      'BatchGetItem',
      'Query',
    ]);
  });

  it('a sign-up takes one rate-limit write and one transaction', async () => {
    expect(await operations(signUp)).toEqual(['UpdateItem', 'TransactWriteItems']);
  });

  it('a request that nobody signed takes none', async () => {
    expect(await operations(() => call(api.getUsage, { apiKey: 'nonsense' }))).toEqual([]);
    expect(await operations(() => call(api.getPricing))).toEqual([]);
  });
});
