import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inTime, TOOLS, waitBefore } from '../../lib/store/in-time.ts';

const withLeft = (leftMs: number) => ({ ...TOOLS, timeLeftMs: () => leftMs });
const answer = { $metadata: { attempts: 3 } };

describe('a call to the table', () => {
  it('a call has no deadline of its own while its request has time for every attempt', async () => {
    const given: unknown[] = [];
    await inTime(withLeft(28_000), async (options) => {
      given.push(options);
      return answer;
    });
    // With any options, the SDK would build its middleware again.
    expect(given).toEqual([undefined]);
  });

  it('a call ends before its request does, so that the request can be answered', async () => {
    const call = inTime(withLeft(1_520), async ({ abortSignal } = {}) => {
      await wait(5_000, undefined, abortSignal === undefined ? {} : { signal: abortSignal });
      return answer;
    });
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('a call is not sent if its request has only the time to answer', async () => {
    let sent = 0;
    const call = inTime(withLeft(1_500), async () => {
      sent += 1;
      return answer;
    });
    await expect(call).rejects.toThrow('no time is left');
    expect(sent).toBe(0);
  });

  it('a call reports its duration and the repeats that the SDK made', async () => {
    const calls: (readonly [number, number])[] = [];
    const onCall = (ms: number, retries: number) => void calls.push([ms, retries]);
    await inTime({ ...TOOLS, onCall }, async () => answer);
    expect(calls).toEqual([[expect.any(Number), 2]]);
  });
});

describe('a wait between two sends', () => {
  it('waits double, and none begins that the request has no time for', async () => {
    const waits: number[] = [];
    const sleep = async (ms: number) => void waits.push(ms);
    const tools = (leftMs: number) => ({ ...withLeft(leftMs), random: () => 1, sleep });
    expect(await waitBefore(tools(2_000), 1)).toBe(true);
    expect(await waitBefore(tools(2_000), 2)).toBe(true);
    expect(await waitBefore(tools(1_600), 2)).toBe(false);
    expect(waits).toEqual([100, 200]);
  });
});
