import { once } from 'node:events';
import { createServer } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import type { PresentedKey } from '../../lib/domain/api-key.ts';
import { BillingError } from '../../lib/errors.ts';
import { KeyCalls } from '../../lib/http/key-calls.ts';
import { RequestLimits } from '../../lib/http/limit-headers.ts';
import type { BusinessEvent } from '../../lib/runtime/business-events.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import type { Table } from '../../lib/store/table.ts';
import { startFaultyEngine } from '../support/faulty-engine.ts';
import { range } from '../support/fixtures.ts';
import { countingCalls, engineEndpoint, openTestTable, testDeps, throughSdk } from '../support/table.ts';

/* The limit of calls with one key, counted by each running function and added up in the table. */

const NOON = new Date('2026-12-01T12:00:10.000Z');
const NEXT_MINUTE = new Date('2026-12-01T12:01:00.000Z');

const AddressInfo = z.object({ port: z.number() });

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

let drawn = 0;
function newKey(): PresentedKey {
  drawn += 1;
  return { customerId: `c${drawn}`, keyId: `key${drawn}` };
}

const depsWith = (keyCallsPerMinute: number, more: Partial<Deps> = {}): Deps => ({
  ...testDeps(table),
  now: () => NOON,
  keyCallsPerMinute,
  ...more,
});

/** One call, as an endpoint counts it: its headers, or the time to wait. */
async function counted(calls: KeyCalls, deps: Deps, key: PresentedKey) {
  const notes = { limits: new RequestLimits() };
  try {
    calls.refuse(deps, key, notes);
    await calls.count(deps, key.keyId, notes);
    return notes.limits.headers();
  } catch (error) {
    if (error instanceof BillingError && error.code === 'rate_limited') return error.facts.retryAfterSeconds;
    throw error;
  }
}

async function admitted(times: number, calls: KeyCalls, deps: Deps, key: PresentedKey): Promise<number> {
  let passed = 0;
  for (const _ of range(1, times)) passed += typeof (await counted(calls, deps, key)) === 'number' ? 0 : 1;
  return passed;
}

describe('the limit of calls with one key', () => {
  it('a key with fewer than 50 calls in a minute costs no call to the table, and every 50th costs two', async () => {
    const calls = new KeyCalls();
    const deps = depsWith(6_000);
    const key = newKey();
    const honest = await countingCalls(table, () => admitted(49, calls, deps, key));
    expect(honest).toEqual({ result: 49, calls: [] });
    const busy = await countingCalls(table, () => admitted(51, calls, deps, key));
    expect(busy.calls).toHaveLength(4);
  });

  it('the limit holds exactly for one running function, until the minute ends', async () => {
    const calls = new KeyCalls();
    const deps = depsWith(200);
    const key = newKey();
    expect(await admitted(250, calls, deps, key)).toBe(200);
    expect(await counted(calls, deps, key)).toBe(50);
    expect(await admitted(1, calls, { ...deps, now: () => NEXT_MINUTE }, key)).toBe(1);
  });

  it('the limit holds across two running functions, up to one step of each', async () => {
    const [one, two] = [new KeyCalls(), new KeyCalls()];
    const deps = depsWith(200);
    const key = newKey();
    let passed = 0;
    for (const _ of range(1, 200)) {
      passed += await admitted(1, one, deps, key);
      passed += await admitted(1, two, deps, key);
    }
    expect(passed).toBeGreaterThanOrEqual(200);
    expect(passed).toBeLessThanOrEqual(204);
  });

  it('a running function refuses a key that others have used up at its next step', async () => {
    const deps = depsWith(200);
    const key = newKey();
    await admitted(300, new KeyCalls(), deps, key);
    expect(await admitted(10, new KeyCalls(), deps, key)).toBe(1);
  });

  it('a refusal costs no call to the table, and another key of the customer is not affected', async () => {
    const calls = new KeyCalls();
    const deps = depsWith(100);
    const key = newKey();
    await admitted(101, calls, deps, key);
    const refused = await countingCalls(table, () => admitted(50, calls, deps, key));
    expect(refused).toEqual({ result: 0, calls: [] });
    expect(await admitted(1, calls, deps, { ...key, keyId: `${key.keyId}-other` })).toBe(1);
  });

  it('the headers say the limit, how many calls are left, and when the minute ends', async () => {
    const calls = new KeyCalls();
    const deps = depsWith(200);
    const key = newKey();
    const [first, second] = [await counted(calls, deps, key), await counted(calls, deps, key)];
    expect(first).toEqual({ 'ratelimit-policy': '"key";q=200;w=60', ratelimit: '"key";r=199;t=50' });
    expect(second).toMatchObject({ ratelimit: '"key";r=198;t=50' });
  });

  it('a limit of 0 is no limit: nothing is counted, and no header is sent', async () => {
    const calls = new KeyCalls();
    const deps = depsWith(0);
    const { result, calls: made } = await countingCalls(table, () => counted(calls, deps, newKey()));
    expect([result, made]).toEqual([{}, []]);
  });

  it('a running function that serves very many keys forgets the oldest, and never refuses one for that', async () => {
    const calls = new KeyCalls();
    const deps = depsWith(100);
    const key = newKey();
    expect(await admitted(100, calls, deps, key)).toBe(100);
    const quiet = depsWith(6_000);
    for (const n of range(1, 5_000)) await counted(calls, quiet, { customerId: 'many', keyId: `many${n}` });
    // Its calls of this minute are in the table, so the next step finds them.
    expect(await admitted(1, calls, deps, key)).toBe(0);
  });
});

describe('a table that does not count', () => {
  /** One call while the table is behind this endpoint. */
  async function oneCall(endpoint: string) {
    const reported: BusinessEvent[] = [];
    const deps = depsWith(100, {
      table: await throughSdk(table, endpoint),
      report: (happened) => void reported.push(happened),
    });
    const startedMs = performance.now();
    const passed = await admitted(1, new KeyCalls(), deps, newKey());
    return { passed, ms: performance.now() - startedMs, kinds: reported.map(({ kind }) => kind) };
  }

  it('a call goes on when a throttled table cannot count it, and the failure is reported', async () => {
    const engine = await startFaultyEngine(await engineEndpoint());
    const error = { name: 'ThrottlingException' };
    engine.fail({ operation: 'TransactWriteItems', when: 'refuse', times: 1_000, error });
    const { passed, ms, kinds } = await oneCall(engine.endpoint);
    engine.close();
    expect([passed, kinds]).toEqual([1, ['key_calls_not_counted']]);
    expect(ms).toBeLessThan(2_000);
  });

  it('a call goes on within two seconds when the table does not answer, and the failure is reported', async () => {
    const silent = createServer(() => {});
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = AddressInfo.parse(silent.address());
    const { passed, ms, kinds } = await oneCall(`http://127.0.0.1:${port}`);
    silent.close();
    expect([passed, kinds]).toEqual([1, ['key_calls_not_counted']]);
    expect(ms).toBeLessThan(2_000);
  });
});
