import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { allContracts } from '../../lib/http/contracts/index.ts';
import type { Handler } from '../../lib/http/handler.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { listApiKeys } from '../../lib/store/api-keys.ts';
import { keys } from '../../lib/store/keys.ts';
import { readTogether } from '../../lib/store/table.ts';
import { documents } from '../support/documents.ts';
import { api, call, fixBody, type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';

/* What a key may do, for every call of the API, from the table of contracts. */

let deps: Deps;
let owner: SignedUp;
let ciKey: string;
beforeAll(async () => {
  deps = await serveFromTestTable();
  owner = await signUp();
  ciKey = await issue({ name: 'CI', scope: 'fixes' });
});

async function issue(body: Record<string, unknown>): Promise<string> {
  const answer = await call(api.issueApiKey, { apiKey: owner.apiKey, body });
  expect(answer.status, answer.text).toBe(201);
  return String(answer.body['api_key']);
}

const handlers = new Map<string, Handler>(Object.entries(api));
const withKey = allContracts.filter(({ access }) => access === 'api_key');
const forFixes = ['recordFixAttempt', 'findFixAttempt', 'billFixAttempt', 'getUsage'];

/** Everything about the customer that a call could change. */
async function stateOf({ customerId }: SignedUp): Promise<unknown> {
  const head = await readTogether(deps.table, [keys.head(customerId)]);
  return { head, keys: await listApiKeys(deps.table, customerId) };
}

describe('a key with the scope fixes', () => {
  it('every call with a key has a scope, and four calls have the scope fixes', () => {
    const named = withKey.filter(({ scope }) => scope === 'fixes').map(({ operationId }) => operationId);
    expect(named.toSorted()).toEqual(forFixes.toSorted());
    expect(withKey.filter(({ scope }) => scope === undefined)).toEqual([]);
    expect(allContracts.filter(({ access, scope }) => access !== 'api_key' && scope !== undefined)).toEqual(
      [],
    );
  });

  it.each(withKey.filter(({ scope }) => scope === 'account').map(({ operationId }) => operationId))(
    '%s refuses a key with the scope fixes, says which key it needs, and changes nothing',
    async (operationId) => {
      const handler = handlers.get(operationId);
      if (handler === undefined) throw new Error(`no function is known for ${operationId}`);
      const before = await stateOf(owner);
      for (const request of [{ body: {} }, { params: { id: owner.apiKeyId }, body: { plan: 'pro' } }]) {
        const { status, body } = await call(handler, { apiKey: ciKey, ...request });
        expect([status, body['code']]).toEqual([403, 'scope_missing']);
        expect(body['detail']).toContain('needs a key with the scope `account`');
        // The request's own faults are not reported to a key that may not make the call.
        expect(body).not.toHaveProperty('errors');
      }
      expect(await stateOf(owner)).toEqual(before);
    },
  );

  it('a key with the scope fixes records, looks up, bills and reads usage', async () => {
    const apiKey = ciKey;
    const recorded = await call(api.recordFixAttempt, { apiKey, body: fixBody(1) });
    expect(recorded.status).toBe(201);
    const query = { github_org: 'acme', repo_name: 'webshop', pr_number: '1' };
    expect((await call(api.findFixAttempt, { apiKey, query })).status).toBe(200);
    const params = { id: String(recorded.body['id']) };
    expect((await call(api.billFixAttempt, { apiKey, params })).body['message']).toBe('Billed');
    expect((await call(api.getUsage, { apiKey })).body['credit_balance']).toBe(4);
  });

  it('a key without a scope, from an earlier release, may do everything', async () => {
    const { customerId, apiKey, apiKeyId } = await signUp();
    const [stored] = await readTogether(deps.table, [keys.apiKey(customerId, apiKeyId)]);
    const { scope, name: _, ...older } = stored ?? {};
    expect(scope).toBe('account');
    await documents(deps.table).send(new PutCommand({ TableName: deps.table.name, Item: older }));
    expect((await call(api.listTransactions, { apiKey })).status).toBe(200);
    const { body } = await call(api.listApiKeys, { apiKey });
    expect(body['api_keys']).toMatchObject([{ id: apiKeyId, name: null, scope: 'account' }]);
  });
});

describe('the key of the sign-up', () => {
  it('a sign-up gives an account key and says to issue another one for RSOLV-action', async () => {
    const answer = await call(api.onboardCustomer, { body: { name: 'Acme', email: `a${Date.now()}@x.io` } });
    expect(answer.body).toMatchObject({ api_key_scope: 'account' });
    expect(answer.body['next_step']).toContain('POST /api/v1/api-keys with {"scope":"fixes"}');
    const Advice = /POST \/api\/v1\/api-keys with (\{.*\})/;
    const sent = Advice.exec(z.string().parse(answer.body['next_step']))?.[1] ?? '';
    const issued = await call(api.issueApiKey, { apiKey: String(answer.body['api_key']), rawBody: sent });
    expect(issued.body).toMatchObject({ scope: 'fixes' });
  });
});
