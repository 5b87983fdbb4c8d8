import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { keyIssued } from '../../lib/domain/notice.ts';
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

/* The stand-in for what Lambda does between the table's stream and a function, with the settings of serverless.yml. */

/** At once on a quiet machine. */
const EVENTUALLY = { timeout: 30_000, interval: 20 } as const;
/** As often as the SDK makes a call before it is a failed one. */
const CALLS_OF_THE_SDK = 3;

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const skOf = ({ dynamodb }: StreamRecord): string => dynamodb.Keys['sk']?.S ?? '';

function listen(answer: (keys: readonly string[]) => readonly string[], from: Table = table) {
  const [source] = readTriggers().sources;
  if (source === undefined) throw new Error('nothing is on the stream');
  const stopping = new AbortController();
  const batches: string[][] = [];
  const dead: string[] = [];
  const away: unknown[] = [];
  const running = runEventSource({
    table: from,
    source,
    signal: stopping.signal,
    onDeadLetter: (record) => dead.push(skOf(record)),
    onAway: (error) => away.push(error),
    invoke: async ({ Records }): Promise<BatchAnswer> => {
      const brought = Records.map(skOf);
      batches.push(brought);
      const failed = new Set(answer(brought));
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
  return { batches, dead, away };
}

const notice = (id: string) =>
  writeTogether(table, [putNotice(keyIssued('c'.repeat(32), id, 'customer', new Date()))]);

describe('what the stream would bring', () => {
  it('brings notices that are to be sent, and nothing else', async () => {
    await customerWith(testDeps(table), 50);
    const { batches } = listen(() => []);
    await notice('alone');
    await expect.poll(() => batches.flat().some((sk) => sk.endsWith('#alone')), EVENTUALLY).toBe(true);
    expect(batches.flat().every((sk) => sk.startsWith('NOTICE#'))).toBe(true);
  });

  it('tries what is reported as failed three times, then puts it aside and goes on with the rest', async () => {
    for (const n of range(1, 5)) await notice(`n${n}`);
    const { batches, dead } = listen((keys) => keys.filter((sk) => sk.endsWith('#n3')));
    await expect
      .poll(() => batches.flat().filter((sk) => sk.endsWith('#n5')).length, EVENTUALLY)
      .toBeGreaterThan(0);
    await expect.poll(() => dead, EVENTUALLY).toEqual(['NOTICE#key_issued#n3']);
    expect(batches.flat().filter((sk) => sk.endsWith('#n3'))).toHaveLength(3);
    expect(batches.flat().filter((sk) => sk.endsWith('#n2'))).toHaveLength(1);
  });

  it('brings what is new however many were given up before it', async () => {
    for (const n of range(1, 100)) await notice(`old${n}`);
    const { batches } = listen(() => []);
    await notice('new');
    await expect.poll(() => batches.flat().some((sk) => sk.endsWith('#new')), EVENTUALLY).toBe(true);
  });

  it('goes on when the table was away, having said so once', async () => {
    const engine = await startFaultyEngine(await engineEndpoint());
    const far = await throughSdk(table, engine.endpoint);
    onTestFinished(() => {
      far.client.destroy();
      engine.close();
    });
    const { batches, away } = listen(() => [], far);
    const brought = (id: string) => batches.flat().filter((sk) => sk.endsWith(`#${id}`)).length;
    await notice('before');
    await expect.poll(() => brought('before'), EVENTUALLY).toBe(1);
    engine.fail({ operation: 'Query', when: 'before', times: 2 * CALLS_OF_THE_SDK });
    await notice('meanwhile');
    await expect.poll(() => brought('meanwhile'), EVENTUALLY).toBe(1);
    expect(away).toEqual([expect.objectContaining({ code: 'ledger_unavailable' })]);
    expect(brought('before')).toBe(1);
  });

  it('tries a batch again whose function ended without an answer', async () => {
    await notice('crash');
    let crashes = 0;
    const { batches, dead } = listen((keys) => {
      if (keys.some((sk) => sk.endsWith('#crash')) && crashes < 2) {
        crashes += 1;
        throw new Error('the process is gone');
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
  it('asks for all of its fields, each one of some values or of some beginnings', () => {
    expect(passes(record, [])).toBe(true);
    expect(passes(record, [{ eventName: ['MODIFY', 'INSERT'] }])).toBe(true);
    expect(passes(record, [{ eventName: ['MODIFY'] }])).toBe(false);
    expect(passes(record, [{ dynamodb: { Keys: { sk: { S: [{ prefix: 'NOTICE#' }] } } } }])).toBe(true);
    expect(passes(record, [{ dynamodb: { Keys: { sk: { S: [{ prefix: 'FIX#' }] } } } }])).toBe(false);
    expect(passes(record, [{ eventName: ['INSERT'], dynamodb: { NewImage: { state: ['x'] } } }])).toBe(false);
  });
});
