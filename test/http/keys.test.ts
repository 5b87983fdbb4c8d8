import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Deps } from '../../lib/runtime/deps.ts';
import { documents } from '../support/documents.ts';
import { api, call, fixBody, type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';

let deps: Deps;
let alice: SignedUp;
let mallory: SignedUp;
beforeAll(async () => {
  deps = await serveFromTestTable();
  alice = await signUp();
  mallory = await signUp();
});

const codeOf = async (apiKey?: string) => {
  const { status, body } = await call(api.getUsage, apiKey === undefined ? {} : { apiKey });
  return [status, body['code']];
};

describe('API keys', () => {
  it('a missing, malformed, wrong or made-up key is 401', async () => {
    expect(await codeOf()).toEqual([401, 'missing_api_key']);
    expect(await codeOf('')).toEqual([401, 'missing_api_key']);
    expect(await codeOf('nonsense')).toEqual([401, 'invalid_api_key']);
    expect(await codeOf(`${alice.apiKey}x`)).toEqual([401, 'invalid_api_key']);
    const wrongSecret = `${alice.apiKey.slice(0, -8)}AAAAAAA${alice.apiKey.slice(-1)}`;
    expect(await codeOf(wrongSecret)).toEqual([401, 'invalid_api_key']);
    const nobody = alice.apiKey.replace(alice.customerId, '0'.repeat(32));
    expect(await codeOf(nobody)).toEqual([401, 'invalid_api_key']);
  });

  it("a key does not open another customer, even with that customer's id in it", async () => {
    const crossed = alice.apiKey.replace(alice.customerId, mallory.customerId);
    expect(await codeOf(crossed)).toEqual([401, 'invalid_api_key']);
  });

  it('faults in a request are reported only to callers with a valid key', async () => {
    const body = { surprise: true };
    expect((await call(api.recordFixAttempt, { apiKey: 'nonsense', body })).status).toBe(401);
    expect((await call(api.recordFixAttempt, { apiKey: alice.apiKey, body })).status).toBe(422);
  });

  it("another customer's fix and key return the same 404 as missing ones", async () => {
    const { body } = await call(api.recordFixAttempt, { apiKey: alice.apiKey, body: fixBody(1) });
    const params = { id: String(body['id']) };
    const theirs = await call(api.billFixAttempt, { apiKey: mallory.apiKey, params });
    const missing = await call(api.billFixAttempt, {
      apiKey: mallory.apiKey,
      params: { id: 'f'.repeat(32) },
    });
    expect(theirs.status).toBe(404);
    const { request_id: _a, ...theirProblem } = theirs.body;
    const { request_id: _b, ...missingProblem } = missing.body;
    expect(theirProblem).toEqual(missingProblem);
    const query = { github_org: 'acme', repo_name: 'webshop', pr_number: '1' };
    expect((await call(api.findFixAttempt, { apiKey: mallory.apiKey, query })).status).toBe(404);
    expect(
      (await call(api.revokeApiKey, { apiKey: mallory.apiKey, params: { id: alice.apiKeyId } })).status,
    ).toBe(404);
    expect(await codeOf(alice.apiKey)).toEqual([200, undefined]);
  });

  it('a rotated key works beside the old one until that is revoked, which then stops at once', async () => {
    const customer = await signUp();
    const issued = await call(api.issueApiKey, { apiKey: customer.apiKey });
    expect(issued.status).toBe(201);
    const newKey = String(issued.body['api_key']);
    expect(await codeOf(newKey)).toEqual([200, undefined]);
    expect(await codeOf(customer.apiKey)).toEqual([200, undefined]);

    const params = { id: customer.apiKeyId };
    const revoked = await call(api.revokeApiKey, { apiKey: newKey, params });
    expect([revoked.status, revoked.body['id']]).toEqual([200, customer.apiKeyId]);
    expect(await codeOf(customer.apiKey)).toEqual([401, 'invalid_api_key']);
    expect(await codeOf(newKey)).toEqual([200, undefined]);
    expect((await call(api.revokeApiKey, { apiKey: newKey, params })).body).toEqual(revoked.body);
    expect((await call(api.recordFixAttempt, { apiKey: customer.apiKey, body: fixBody(1) })).status).toBe(
      401,
    );
  });

  it('no response, log line or stored item holds a whole key, also when it is sent as api_key_used', async () => {
    const output: string[] = [];
    const capture = (...args: unknown[]) => void output.push(args.map(String).join(' '));
    const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
      vi.spyOn(console, method).mockImplementation(capture),
    );
    const { apiKey } = await signUp();
    const answers = [
      await call(api.recordFixAttempt, {
        apiKey,
        body: fixBody(9, {
          pr_title: `by ${apiKey}`,
          api_key_used: apiKey,
          metadata: { env: { RSOLV: [apiKey] } },
        }),
      }),
      await call(api.recordFixAttempt, { apiKey, body: { ...fixBody(9), [apiKey]: 1 } }),
      await call(api.recordFixAttempt, { apiKey, body: { ...fixBody(10), metadata: { [apiKey]: 1 } } }),
      await call(api.findFixAttempt, {
        apiKey,
        query: { github_org: apiKey, repo_name: apiKey, pr_number: '9', [apiKey]: apiKey },
      }),
      await call(api.billFixAttempt, { apiKey, params: { id: apiKey } }),
      await call(api.getUsage, { apiKey }),
      await call(api.getUsage, { apiKey: `${apiKey}x` }),
    ];
    for (const spy of spies) spy.mockRestore();
    expect(answers.map(({ status }) => status)).toEqual([201, 422, 201, 422, 404, 200, 401]);
    for (const { text } of answers) expect(text).not.toContain(apiKey);
    const { Items } = await documents(deps.table).send(new ScanCommand({ TableName: deps.table.name }));
    expect(JSON.stringify(Items)).not.toContain(apiKey);
    expect(JSON.stringify(Items)).toContain('rsolv_[redacted]');
    expect(output.length).toBeGreaterThanOrEqual(answers.length);
    expect(output.join('\n')).not.toContain(apiKey);
  });
});
