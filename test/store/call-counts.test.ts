import { TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { keys } from '../../lib/store/keys.ts';
import { addKeyCalls, hitRateLimit, roomOf } from '../../lib/store/rate-limits.ts';
import { readTogether, type Table } from '../../lib/store/table.ts';
import { documents, middlewareOf } from '../support/documents.ts';
import { countingCalls, openTestTable } from '../support/table.ts';

/* The counts behind the limits: concurrent hits in a full window, what a window has left, and calls of keys. */

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const LIMIT = { limit: 3, windowSeconds: 60 };
const seconds = (count: number) => new Date(Date.parse('2026-01-02T00:00:00.000Z') + count * 1_000);
const msAt = (count: number): number => seconds(count).getTime();

let scopes = 0;
/** A window that is full by its number of hits, of which the first is over 70 seconds later. */
async function fullWindow(): Promise<string> {
  scopes += 1;
  const scope = `counts-${scopes}`;
  for (const at of [0, 50, 55]) await hitRateLimit(table, scope, LIMIT, seconds(at));
  return scope;
}

/** Runs `before` ahead of each transaction, with its number, until the test ends. */
function beforeWrite(before: (count: number) => Promise<void> | void): void {
  let writes = 0;
  middlewareOf(table).add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName !== 'TransactWriteItemsCommand') return next(args);
        writes += 1;
        await before(writes);
        return next(args);
      },
    { step: 'initialize', priority: 'high', name: 'before-write' },
  );
  onTestFinished(() => void middlewareOf(table).remove('before-write'));
}

describe('a hit in a full window', () => {
  /** What another call does that replaces the oldest hit. */
  const replaceOldest = (scope: string, at: number) =>
    documents(table).send(
      new UpdateCommand({
        TableName: table.name,
        Key: { ...keys.rate(scope, LIMIT.windowSeconds) },
        UpdateExpression: 'SET hits[0] = :at',
        ExpressionAttributeValues: { ':at': msAt(at) },
      }),
    );
  const hitsOf = async (scope: string) => {
    const [item] = await readTogether(table, [keys.rate(scope, LIMIT.windowSeconds)]);
    return item?.['hits'];
  };

  it('a hit is tried again on the list that another call has replaced meanwhile', async () => {
    const scope = await fullWindow();
    // The first write finds the list full, and the second one replaces it.
    beforeWrite(async (count) => void (count === 2 && (await replaceOldest(scope, 5))));
    expect(await hitRateLimit(table, scope, LIMIT, seconds(70))).toEqual({ kind: 'allowed' });
    expect(await hitsOf(scope)).toEqual([50, 55, 70].map(msAt));
  });

  it('a hit is limited for a second if other calls replace the list five times meanwhile', async () => {
    const scope = await fullWindow();
    beforeWrite(async (count) => void (count % 2 === 0 && (await replaceOldest(scope, count / 2))));
    const { result, calls } = await countingCalls(table, () =>
      hitRateLimit(table, scope, LIMIT, seconds(70)),
    );
    expect(result).toEqual({ kind: 'limited', retryAfterSeconds: 1 });
    expect(calls).toHaveLength(10);
    expect(await hitsOf(scope)).toEqual([5, 50, 55].map(msAt));
  });

  it.each([1, 2])(
    'a hit that meets another write at its write %s is contended and not counted',
    async (met) => {
      const scope = await fullWindow();
      beforeWrite((count) => {
        if (count === met) throw new TransactionConflictException({ message: 'busy', $metadata: {} });
      });
      expect(await hitRateLimit(table, scope, LIMIT, seconds(70))).toEqual({ kind: 'contended' });
      expect(await hitsOf(scope)).toEqual([0, 50, 55].map(msAt));
    },
  );
});

describe('the room of a window', () => {
  const roomAt = (at: number, ...hits: number[]) => roomOf({ hits: hits.map(msAt) }, LIMIT, seconds(at));

  it('a caller without a counter has the whole limit for a whole window', () => {
    expect(roomOf(undefined, LIMIT, seconds(0))).toEqual({ room: 3, seconds: 60 });
  });

  it('each hit takes its room until it has left the window, which begins with the oldest one', () => {
    expect(roomAt(30, 10.5, 20)).toEqual({ room: 1, seconds: 41 });
    expect(roomAt(70.4, 10.5, 20)).toEqual({ room: 1, seconds: 1 });
    expect(roomAt(70.5, 10.5, 20)).toEqual({ room: 2, seconds: 10 });
    expect(roomAt(80, 10.5, 20)).toEqual({ room: 3, seconds: 60 });
  });

  it('a caller with more hits than a lowered limit has no room, and not less than none', () => {
    expect(roomAt(30, 0, 10, 20, 25)).toEqual({ room: 0, seconds: 30 });
  });
});

describe('the calls of a key in a minute', () => {
  const MINUTE = seconds(120);
  const add = (keyId: string, calls: number, of = table) => addKeyCalls(of, keyId, MINUTE, calls, 500);
  const stored = async (keyId: string) =>
    (await readTogether(table, [keys.keyCalls(keyId, MINUTE.toISOString())]))[0];

  it('the calls of a key are added up for all functions, and kept for five minutes', async () => {
    expect(await add('sum', 3)).toBe(3);
    expect(await add('sum', 4)).toBe(7);
    expect(await stored('sum')).toMatchObject({
      calls: 7,
      expires_at: msAt(120) / 1_000 + 5 * 60,
    });
    expect(await addKeyCalls(table, 'sum', seconds(180), 2, 500)).toBe(2);
  });

  it('calls whose write met another one were not added, which their function learns', async () => {
    beforeWrite(() => {
      throw new TransactionConflictException({ message: 'busy', $metadata: {} });
    });
    expect(await add('busy', 3)).toBe('contended');
    expect(await stored('busy')).toBeUndefined();
  });

  it('adding calls ends when its own time is over, so that the calls do not wait for a slow table', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    // The clock moves only by the time that the writes take.
    beforeWrite((count) => void vi.advanceTimersByTime(count * 10_000));
    const within = (ms: number, keyId: string) => addKeyCalls(table, keyId, MINUTE, 3, ms);
    expect(await within(20_000, 'in time')).toBe(3);
    await expect(within(20_000, 'too slow')).rejects.toMatchObject({ code: 'ledger_unavailable' });
  });

  it('adding calls ends when the time of its request is over, whatever time it has of its own', async () => {
    const late: Table = { ...table, tools: { ...table.tools, timeLeftMs: () => 1_500 } };
    await expect(add('late', 3, late)).rejects.toMatchObject({ code: 'ledger_unavailable' });
    expect(await stored('late')).toBeUndefined();
  });
});
