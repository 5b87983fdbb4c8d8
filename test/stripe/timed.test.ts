import { expect, it, vi } from 'vitest';
import { timed } from '../../lib/stripe/timed.ts';

type Client = Parameters<typeof timed>[0];

/** The time-out of a call of 10 s whose request has this much time left, and how often it was reported. */
async function timeoutWith(leftMs: number, fails = false) {
  let timeout = 0;
  let reported = 0;
  const client: Client = {
    getClientName: () => 'notes the time-out',
    makeRequest: async (...request) => {
      timeout = request[7];
      if (fails) throw new Error('no connection');
      return {
        getStatusCode: () => 200,
        getHeaders: () => ({}),
        getRawResponse: () => null,
        toStream: () => null,
        toJSON: async () => ({}),
      };
    },
  };
  const count = () => {
    reported += 1;
  };
  await timed(client, () => leftMs, count)
    .makeRequest('host', '443', '/v1/x', 'POST', {}, '', 'https', 10_000)
    .catch(() => {});
  return { timeout, reported };
}

it.each([
  [Number.POSITIVE_INFINITY, 10_000],
  [28_000, 10_000],
  [9_000, 5_000],
  [4_500, 1_000],
  [-5, 1_000],
])('with %d ms left, a call to Stripe may take %d ms', async (leftMs, timeout) => {
  expect(await timeoutWith(leftMs)).toEqual({ timeout, reported: 1 });
});

it('a call to Stripe that fails is reported with its duration, too', async () => {
  expect((await timeoutWith(28_000, true)).reported).toBe(1);
});

it('only a request that is sent again after a failure counts as a retry', async () => {
  const retries: boolean[] = [];
  const answers = [429, 503, 200, 200, 402, 200];
  const client: Client = {
    getClientName: () => 'answers in turn',
    makeRequest: async () => {
      const status = answers.shift() ?? 200;
      return {
        getStatusCode: () => status,
        getHeaders: () => ({}),
        getRawResponse: () => null,
        toStream: () => null,
        toJSON: async () => ({}),
      };
    },
  };
  const { makeRequest } = timed(
    client,
    () => 28_000,
    (_, isRetry) => retries.push(isRetry),
  );
  const send = (path: string, key: string) =>
    makeRequest('host', '443', path, 'POST', { 'Idempotency-Key': key }, 'amount=1', 'https', 10_000);
  await send('/v1/x', 'k1');
  // Another request is no repeat of it.
  await send('/v1/x', 'k2');
  await send('/v1/x', 'k1');
  await send('/v1/x', 'k1');
  // A decline is an answer, and the next try is a request of its own.
  await send('/v1/x', 'k3');
  await send('/v1/x', 'k3');
  expect(retries).toEqual([false, false, true, false, false, false]);
});

it('the same request later than ten seconds after a failure is a new one', async () => {
  const retries: boolean[] = [];
  const client: Client = {
    getClientName: () => 'is unreachable',
    makeRequest: () => Promise.reject(new Error('no connection')),
  };
  const { makeRequest } = timed(
    client,
    () => 28_000,
    (_, isRetry) => retries.push(isRetry),
  );
  const send = () =>
    makeRequest('host', '443', '/v1/prices/price_1', 'GET', {}, '', 'https', 10_000).catch(() => {});
  vi.useFakeTimers({ toFake: ['performance'] });
  await send();
  vi.advanceTimersByTime(9_000);
  await send();
  vi.advanceTimersByTime(10_000);
  await send();
  vi.useRealTimers();
  expect(retries).toEqual([false, true, false]);
});
