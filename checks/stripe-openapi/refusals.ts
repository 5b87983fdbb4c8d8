import type { Route } from '../../local/stripe-double/http/route.ts';
import type { Recorder } from './recorder.ts';
import type { Account } from './scenario.ts';

const UNKNOWN_ID = 'nothing_1';

/** Every way in which each call can be refused whatever the account holds. */
export async function playRefusals(
  recorder: Recorder,
  account: Account,
  routes: readonly Route[],
): Promise<void> {
  for (const { method, path } of routes) {
    const concrete = path.replaceAll(/:\w+/g, UNKNOWN_ID);
    await recorder.send(method, concrete, { no_such_parameter: '1' });
    if (concrete !== path) await recorder.send(method, concrete);
  }
  for (const kind of ['409', '429', '500_before']) {
    await account.control('faults', { method: 'POST', path: '/v1/customers', kind });
    await recorder.send('POST', '/v1/customers');
  }
  await recorder.send('GET', '/v1/no_such_thing');
}
