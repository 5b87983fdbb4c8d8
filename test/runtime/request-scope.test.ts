import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { healthContract } from '../../lib/http/contracts/service.ts';
import { handlerOf } from '../../lib/http/handler.ts';
import { withStripe } from '../../lib/runtime/connect-stripe.ts';
import { inRequest, requestFacts, timeLeftMs } from '../../lib/runtime/request-scope.ts';
import { gatewayEvent, invocation } from '../support/gateway.ts';
import { openMoney } from '../support/money.ts';
import { openTestTable } from '../support/table.ts';

it('concurrent requests each read the time of their own function, and outside of a request there is no end', async () => {
  const left: number[] = [];
  const handler = handlerOf(healthContract, async () => {
    await wait(5);
    left.push(timeLeftMs());
    return { status: 200, body: {} };
  });
  const ask = (ms: number) =>
    handler(gatewayEvent({}), { ...invocation(), getRemainingTimeInMillis: () => ms });
  await Promise.all([ask(28_000), ask(900)]);
  expect(left).toEqual([28_000, 900]);
  expect(timeLeftMs()).toBe(Number.POSITIVE_INFINITY);
});

it('a request that has no time for another try does not wait for Stripe, and the next one on the same connection does', async () => {
  const money = await openMoney(await openTestTable());
  const waits: number[] = [];
  const sleep = async (ms: number) => void waits.push(ms);
  const { stripe } = withStripe({ ...money.deps, sleep }, { ...money.env });
  const ask = (leftMs: number) =>
    inRequest(
      () => leftMs,
      async () => {
        const sold = await (await stripe()).soldPrice('pro');
        return { ...sold, ...requestFacts() };
      },
    );
  await money.control('faults', { path: '/v1/prices/*', kind: '429', times: 2 });
  await expect(ask(12_100)).rejects.toMatchObject({ kind: 'transient' });
  expect(waits).toEqual([]);
  // The refused try of the first request, then the tries of this one.
  expect(await ask(28_000)).toMatchObject({ id: money.priceId, stripe_calls: 2, stripe_retries: 2 });
  expect(waits).toHaveLength(1);
});
