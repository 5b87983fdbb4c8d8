import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { keyIssued } from '../../lib/domain/notices/key-notices.ts';
import { putNotice } from '../../lib/store/notices.ts';
import { type Table, writeTogether } from '../../lib/store/table.ts';
import {
  type BatchAnswer,
  passes,
  runEventSource,
  type StreamRecord,
} from '../../local/stack/event-source.ts';
import { readTriggers } from '../../local/stack/triggers.ts';
import { startFaultyEngine } from '../support/faulty-engine.ts';
import { customerWith, range } from '../support/fixtures.ts';
import { engineEndpoint, openTestTable, testDeps, throughSdk } from '../support/table.ts';

/* The stand-in for Lambda's event source mapping, with the settings of serverless.yml. */

/** Immediate on a quiet machine. */
const EVENTUALLY = { timeout: 30_000, interval: 20 } as const;
/** The SDK's tries before a call fails. */
const SDK_TRIES = 3;

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const skOf = ({ dynamodb }: StreamRecord): string => dynamodb.Keys['sk']?.S ?? '';

/** @param failing returns the keys of a batch that the function reports as failed */
function start(failing: (keys: readonly string[]) => readonly string[], from: Table = table) {
  const [source] = readTriggers().sources;
  if (source === undefined) throw new Error('serverless.yml has no stream');
  const stopping = new AbortController();
  const batches: string[][] = [];
  const dead: string[] = [];
  const outages: unknown[] = [];
  const running = runEventSource({
    table: from,
    source,
    signal: stopping.signal,
    onDeadLetter: (record) => dead.push(skOf(record)),
    onUnreachable: (error) => outages.push(error),
    invoke: async ({ Records }): Promise<BatchAnswer> => {
      const batch = Records.map(skOf);
      batches.push(batch);
      const failed = new Set(failing(batch));
      return {
        batchItemFailures: Records.filter((record) => failed.has(skOf(record))).map(({ dynamodb }) => ({
          itemIdentifier: dynamodb.SequenceNumber,
        })),
      };
    },
  });
  onTestFinished(async () => {
    stopping.abort();
    await running;
  });
  return { batches, dead, outages };
}

const notice = (id: string) =>
  writeTogether(table, [putNotice(keyIssued('c'.repeat(32), id, 'customer', new Date()))]);

describe('the event source', () => {
  it('the event source delivers unsent notices and nothing else', async () => {
    await customerWith(testDeps(table), 50);
    const { batches } = start(() => []);
    await notice('alone');
    await expect.poll(() => batches.flat().some((sk) => sk.endsWith('#alone')), EVENTUALLY).toBe(true);
    expect(batches.flat().every((sk) => sk.startsWith('NOTICE#'))).toBe(true);
  });

  it('a failing record becomes a dead letter after three tries, and the rest is delivered', async () => {
    for (const n of range(1, 5)) await notice(`n${n}`);
    const { batches, dead } = start((keys) => keys.filter((sk) => sk.endsWith('#n3')));
    await expect
      .poll(() => batches.flat().filter((sk) => sk.endsWith('#n5')).length, EVENTUALLY)
      .toBeGreaterThan(0);
    await expect.poll(() => dead, EVENTUALLY).toEqual(['NOTICE#key_issued#n3']);
    expect(batches.flat().filter((sk) => sk.endsWith('#n3'))).toHaveLength(3);
    expect(batches.flat().filter((sk) => sk.endsWith('#n2'))).toHaveLength(1);
  });

  it('a new notice is delivered even behind 100 older ones', async () => {
    for (const n of range(1, 100)) await notice(`old${n}`);
    const { batches } = start(() => []);
    await notice('new');
    await expect.poll(() => batches.flat().some((sk) => sk.endsWith('#new')), EVENTUALLY).toBe(true);
  });

  it('the event source reports an outage of the table once and continues afterwards', async () => {
    const engine = await startFaultyEngine(await engineEndpoint());
    const far = await throughSdk(table, engine.endpoint);
    onTestFinished(() => {
      far.client.destroy();
      engine.close();
    });
    const { batches, outages } = start(() => [], far);
    const deliveries = (id: string) => batches.flat().filter((sk) => sk.endsWith(`#${id}`)).length;
    await notice('before');
    await expect.poll(() => deliveries('before'), EVENTUALLY).toBe(1);
    engine.fail({ operation: 'Query', when: 'before', times: 2 * SDK_TRIES });
    await notice('meanwhile');
    await expect.poll(() => deliveries('meanwhile'), EVENTUALLY).toBe(1);
    expect(outages).toEqual([expect.objectContaining({ code: 'ledger_unavailable' })]);
    expect(deliveries('before')).toBe(1);
  });

  it('a batch is retried if the function ended without an answer', async () => {
    await notice('crash');
    let crashes = 0;
    const { batches, dead } = start((keys) => {
      if (keys.some((sk) => sk.endsWith('#crash')) && crashes < 2) {
        crashes += 1;
        throw new Error('the process crashed');
      }
      return [];
    });
    await expect
      .poll(() => batches.at(-1)?.some((sk) => sk.endsWith('#crash')) && crashes, EVENTUALLY)
      .toBe(2);
    expect(dead).toEqual([]);
  });
});

describe('the filter on the stream', () => {
  const record = { eventName: 'INSERT', dynamodb: { Keys: { sk: { S: 'NOTICE#a#1' } } } };
  it('a filter matches if every field has one of its values or prefixes', () => {
    expect(passes(record, [])).toBe(true);
    expect(passes(record, [{ eventName: ['MODIFY', 'INSERT'] }])).toBe(true);
    expect(passes(record, [{ eventName: ['MODIFY'] }])).toBe(false);
    expect(passes(record, [{ dynamodb: { Keys: { sk: { S: [{ prefix: 'NOTICE#' }] } } } }])).toBe(true);
    expect(passes(record, [{ dynamodb: { Keys: { sk: { S: [{ prefix: 'FIX#' }] } } } }])).toBe(false);
    expect(passes(record, [{ eventName: ['INSERT'], dynamodb: { NewImage: { state: ['x'] } } }])).toBe(false);
  });
});
