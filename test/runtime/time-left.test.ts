import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { healthContract } from '../../lib/http/contracts/service.ts';
import { handlerOf } from '../../lib/http/handler.ts';
import { timeLeftMs } from '../../lib/runtime/time-left.ts';
import { gatewayEvent, invocation } from '../support/gateway.ts';

it('each of two requests at once reads the time of its own function, and outside of a request there is no end', async () => {
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
