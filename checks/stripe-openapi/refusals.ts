import * as z from 'zod/mini';
import type { Route } from '../../local/stripe-double/http/route.ts';
import type { Recorder } from './recorder.ts';
import type { Account } from './scenario-steps.ts';

/**
 * Reads every list and its first object: `/v1/x` and then `/v1/x/:id`, `/v1/x/:id/y` and then `/:entry`.
 * A call with a required parameter is rejected here, and belongs in the scenario.
 */
export async function readLists({ send }: Recorder, routes: readonly Route[]): Promise<void> {
  const firstIds = new Map<string, string>();
  const gets = routes.filter(({ method }) => method === 'GET').map(({ path }) => path);
  for (const path of gets.toSorted((a, b) => a.split('/:').length - b.split('/:').length)) {
    const concrete = path.replaceAll(
      /(?<=(.*))\/:\w+/g,
      (_, above: string) => `/${firstIds.get(above) ?? UNKNOWN_ID}`,
    );
    const first = FirstOf.safeParse(await send('GET', concrete)).data?.data[0];
    if (first !== undefined) firstIds.set(path, first.id);
  }
  // No SDK has this call. Stripe's command line makes it.
  await send('POST', `/v1/events/${firstIds.get('/v1/events') ?? UNKNOWN_ID}/retry`, {
    for_stripecli: 'true',
  });
}

const FirstOf = z.object({ data: z.array(z.looseObject({ id: z.string() })) });
const UNKNOWN_ID = 'nothing_1';

/** Every rejection of each call that does not depend on the account's content. */
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
