import { beforeAll, expect, it } from 'vitest';
import { probeCustomerEmail, testCustomerEmail } from '../../lib/domain/test-customer.ts';
import { issueKey, issueOnlyKey } from '../../lib/operations/accounts/api-keys.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { keys } from '../../lib/store/keys.ts';
import { countedIn, heard } from '../support/counted.ts';
import { uniqueEmail } from '../support/fixtures.ts';
import type { Call } from '../support/gateway.ts';
import { api, call, fixBody, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';
import { tamper } from '../support/reconciliation.ts';

let deps: Deps;
beforeAll(async () => {
  deps = await serveFromTestTable();
});

it('every 500 is counted as a defect, because Lambda counts it as a success; faults of the caller or the bank are not counted', async () => {
  const { apiKey, customerId } = await signUp();
  const { body } = await call(api.recordFixAttempt, { apiKey, body: fixBody(1) });
  const bill = () => heard(() => call(api.billFixAttempt, { apiKey, params: { id: String(body['id']) } }));

  const { result: unknown, lines: quiet } = await heard(() =>
    call(api.billFixAttempt, { apiKey, params: { id: 'f'.repeat(64) } }),
  );
  expect([unknown.status, countedIn(quiet)]).toEqual([404, ['KeyAccepted']]);

  await tamper(deps, keys.head(customerId), 'balance', 'many');
  for (let time = 0; time < 2; time++) {
    const { result, lines } = await bill();
    expect([result.status, result.body['code'], countedIn(lines)]).toEqual([
      500,
      'internal_error',
      ['Defect', 'KeyAccepted'],
    ]);
  }
});

it.each([testCustomerEmail, probeCustomerEmail])(
  'requests of a test customer count neither as accepted nor as refused, but their defects count',
  async (emailOf) => {
    const email = emailOf(deps.randomBytes(8));
    const { body } = await call(api.onboardCustomer, { body: { name: 'Test', email } });
    const apiKey = String(body['api_key']);
    const ask = (request: Call) => heard(() => call(api.recordFixAttempt, { apiKey, ...request }));
    expect(countedIn((await ask({ body: fixBody(1) })).lines)).toEqual([]);
    const { result, lines } = await ask({ body: {} });
    expect([result.status, countedIn(lines)]).toEqual([422, []]);
    const [, customerId = ''] = apiKey.split('_');
    await tamper(deps, keys.head(customerId), 'balance', 'many');
    const { lines: broken } = await heard(() => call(api.getUsage, { apiKey }));
    expect(countedIn(broken)).toEqual(['Defect']);
  },
);

it.each([
  ['a key that the customer issues', (apiKey: string) => issued(apiKey, { name: 'CI', scope: 'fixes' })],
  [
    'a key that replaces another one',
    async (apiKey: string) => issued(apiKey, { scope: 'account', replaces: await idOfNewKey(apiKey) }),
  ],
  [
    'a key that support issues',
    async (apiKey: string) =>
      (await issueKey(deps, customerIdIn(apiKey), 'operator', { scope: 'fixes' })).apiKey,
  ],
  [
    'a key with which support ends all others',
    async (apiKey: string) => (await issueOnlyKey(deps, customerIdIn(apiKey), 'operator')).apiKey,
  ],
])('%s counts as its customer: not for a test customer, and for another one', async (_, issue) => {
  const countedFor = async (email: string): Promise<string[]> => {
    const { body } = await call(api.onboardCustomer, { body: { name: 'Test', email } });
    const apiKey = await issue(String(body['api_key']));
    const { result, lines } = await heard(() => call(api.getUsage, { apiKey }));
    expect(result.status).toBe(200);
    return countedIn(lines);
  };
  expect(await countedFor(testCustomerEmail(deps.randomBytes(8)))).toEqual([]);
  expect(await countedFor(uniqueEmail())).toEqual(['KeyAccepted']);
});

const customerIdIn = (apiKey: string): string => apiKey.split('_')[1] ?? '';

async function issued(apiKey: string, body: Record<string, unknown>): Promise<string> {
  return String((await call(api.issueApiKey, { apiKey, body })).body['api_key']);
}

async function idOfNewKey(apiKey: string): Promise<string> {
  return String((await call(api.issueApiKey, { apiKey })).body['id']);
}
