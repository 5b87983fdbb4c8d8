import { beforeAll, expect, it } from 'vitest';
import { probeCustomerEmail, testCustomerEmail } from '../../lib/domain/test-customer.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { keys } from '../../lib/store/keys.ts';
import { countedIn, heard } from '../support/counted.ts';
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
