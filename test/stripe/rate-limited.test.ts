import { describe, expect, it } from 'vitest';
import { retryRateLimited } from '../../lib/stripe/rate-limited.ts';

type Client = Parameters<typeof retryRateLimited>[0];

/** A server that returns these answers in order, and the waits between the requests. */
function answering(
  statuses: readonly number[],
  headers: Record<string, string> = {},
  timeLeftMs?: () => number,
) {
  const waits: number[] = [];
  let asked = 0;
  const client: Client = {
    getClientName: () => 'answers in turn',
    makeRequest: async () => {
      const status = statuses[asked++] ?? 200;
      return {
        getStatusCode: () => status,
        getHeaders: () => headers,
        getRawResponse: () => null,
        toStream: () => null,
        toJSON: async () => ({}),
      };
    },
  };
  const sleep = async (ms: number) => {
    waits.push(ms);
  };
  const retrying = retryRateLimited(client, { sleep, random: () => 0.5, timeLeftMs });
  const ask = async () =>
    (await retrying.makeRequest('host', '443', '/v1/x', 'POST', {}, '', 'https', 1_000)).getStatusCode();
  return { ask, waits, times: () => asked };
}

describe('a request that Stripe answers with 429', () => {
  it('a request answered with 429 is sent up to three times, after waits that double', async () => {
    const { ask, waits, times } = answering([429, 429, 200]);
    expect(await ask()).toBe(200);
    expect([times(), waits]).toEqual([3, [375, 750]]);
  });

  it('a request fails with the 429 after the third try', async () => {
    const { ask, times } = answering([429, 429, 429, 200]);
    expect(await ask()).toBe(429);
    expect(times()).toBe(3);
  });

  it('a request waits for the time in Retry-After', async () => {
    const { ask, waits } = answering([429, 200], { 'Retry-After': '2' });
    expect(await ask()).toBe(200);
    expect(waits).toEqual([2_000]);
  });

  it('a request fails at once if Retry-After is longer than the remaining time', async () => {
    const { ask, waits, times } = answering([429, 200], { 'retry-after': '30' });
    expect(await ask()).toBe(429);
    expect([times(), waits]).toEqual([1, []]);
  });

  it('a request fails if its function would end before the next try', async () => {
    const left = [14_000, 13_999];
    const { ask, waits } = answering([429, 429, 200], { 'retry-after': '2' }, () => left.shift() ?? 0);
    expect(await ask()).toBe(429);
    expect(waits).toEqual([2_000]);
  });

  it.each([200, 402, 404, 409, 500])('any other response (%i) is returned at once', async (status) => {
    const { ask, times } = answering([status]);
    expect(await ask()).toBe(status);
    expect(times()).toBe(1);
  });
});
