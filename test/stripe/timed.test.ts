import { expect, it, vi } from 'vitest';
import { timed } from '../../lib/stripe/timed.ts';

type Client = Parameters<typeof timed>[0];

const responseOf = (status: number) => ({
  getStatusCode: () => status,
  getHeaders: () => ({}),
  getRawResponse: () => null,
  toStream: () => null,
  toJSON: async () => ({}),
});

/** A client whose requests are all answered with this status, and what it reports of each. */
function answering(status: number) {
  const calls: (readonly [ms: number, isRetry: boolean])[] = [];
  const client: Client = {
    getClientName: () => 'one answer',
    makeRequest: async () => {
      vi.advanceTimersByTime(250);
      return responseOf(status);
    },
  };
  const { getClientName, makeRequest } = timed(
    client,
    () => 28_000,
    (ms, isRetry) => calls.push([ms, isRetry]),
  );
  const send = (key: string) =>
    makeRequest(
      'host',
      '443',
      '/v1/x',
      'POST',
      { Accept: 'application/json', 'idempotency-key': key },
      '',
      'https',
      10_000,
    );
  return { getClientName, send, calls, retries: () => calls.map(([, isRetry]) => isRetry) };
}

/** Runs `work` with a clock that only a test moves. */
async function withStillClock(work: () => Promise<void>): Promise<void> {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    await work();
  } finally {
    vi.useRealTimers();
  }
}

/** The time-out of a call of 10 s whose request has this much time left, and how often it was reported. */
async function timeoutWith(leftMs: number, fails = false) {
  let timeout = 0;
  let reported = 0;
  const client: Client = {
    getClientName: () => 'notes the time-out',
    makeRequest: async (...request) => {
      timeout = request[7];
      if (fails) throw new Error('no connection');
      return responseOf(200);
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
      return responseOf(answers.shift() ?? 200);
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

it.each([
  [200, false],
  [400, false],
  [402, false],
  [404, false],
  [499, false],
  [401, true],
  [409, true],
  [429, true],
  [500, true],
  [503, true],
])('a request that is sent again after an answer %i counts as a retry: %s', async (status, isRetry) => {
  await withStillClock(async () => {
    const { send, retries } = answering(status);
    await send('k1');
    await send('k1');
    expect(retries()).toEqual([false, isRetry]);
  });
});

it('a call reports how long it took, and keeps the name of its client', async () => {
  await withStillClock(async () => {
    const { send, calls, getClientName } = answering(200);
    vi.advanceTimersByTime(1_000);
    await send('k1');
    expect(calls).toEqual([[250, false]]);
    expect(getClientName()).toBe('one answer');
  });
});

it('a request under another idempotency key is a new one', async () => {
  await withStillClock(async () => {
    const { send, retries } = answering(503);
    await send('k1');
    await send('k2');
    expect(retries()).toEqual([false, false]);
  });
});

it('a hundred failures are remembered, and the next call forgets all of them', async () => {
  const client: Client = {
    getClientName: () => 'is busy',
    makeRequest: async () => responseOf(503),
  };
  const retriesAfter = async (failures: number) => {
    const retries: boolean[] = [];
    const { makeRequest } = timed(
      client,
      () => 28_000,
      (_, isRetry) => retries.push(isRetry),
    );
    const send = (path: string) => makeRequest('host', '443', path, 'GET', {}, '', 'https', 10_000);
    for (let n = 1; n <= failures; n++) await send(`/v1/${n}`);
    await send('/v1/50');
    return retries.at(-1);
  };
  expect(await retriesAfter(100)).toBe(true);
  expect(await retriesAfter(101)).toBe(false);
});
