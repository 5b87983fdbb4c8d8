import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import { inTime, TOOLS, waitBefore } from '../../lib/store/in-time.ts';

const withLeft = (leftMs: number) => ({ ...TOOLS, timeLeftMs: () => leftMs });
const answer = { $metadata: { attempts: 3 } };

describe('a call to the table', () => {
  it('a call has no deadline of its own while its request has time for every attempt', async () => {
    const passed: unknown[] = [];
    for (const leftMs of [28_000, 8_500, 8_499]) {
      await inTime(withLeft(leftMs), async (options) => {
        passed.push(options);
        return answer;
      });
    }
    // With any options, the SDK would build its middleware again.
    expect(passed).toEqual([undefined, undefined, { abortSignal: expect.any(AbortSignal) }]);
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
    const reported = async (call: () => Promise<object>) => {
      vi.useFakeTimers({ toFake: ['performance'] });
      vi.advanceTimersByTime(1_000);
      const outcome = inTime({ ...TOOLS, onCall }, () => {
        vi.advanceTimersByTime(250);
        return call();
      });
      await outcome.catch(() => {}).finally(vi.useRealTimers);
      return calls.pop();
    };
    const failing = (attempts?: number) => async () => {
      const $metadata = attempts === undefined ? {} : { attempts };
      throw new DynamoDBServiceException({ name: 'Busy', $fault: 'server', $metadata });
    };
    const other = async () => {
      throw new Error('no connection');
    };
    expect(await reported(async () => answer)).toEqual([250, 2]);
    expect(await reported(async () => ({}))).toEqual([250, 0]);
    expect(await reported(failing(3))).toEqual([250, 2]);
    expect(await reported(failing())).toEqual([250, 0]);
    expect(await reported(other)).toEqual([250, 0]);
  });

  it('a call returns its answer, also one without a report of the SDK', async () => {
    expect(await inTime(TOOLS, async () => answer)).toBe(answer);
    expect(await inTime(TOOLS, async () => ({}))).toEqual({});
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
    expect(await waitBefore(tools(1_600), 1)).toBe(true);
    expect(waits).toEqual([100, 200, 100]);
  });

  it('a wait with the usual tools takes the time that it is given', async () => {
    const startedMs = performance.now();
    await TOOLS.sleep(20);
    expect(performance.now() - startedMs).toBeGreaterThan(15);
  });
});
