import { setTimeout as delay } from 'node:timers/promises';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { dueWorkPages } from '../../lib/store/due-work.ts';
import { type Item, readTogether, type Table } from '../../lib/store/table.ts';
import type { EventSource } from './triggers.ts';

/*
 * What Lambda does between a table's stream and a function: it leaves out what the filter does not let through, calls the
 * function with batches, repeats what the function reports as failed, and puts aside what failed too often. The changes
 * themselves come from the index of due work, where each notice stands until it is sent: a stream of the embedded engine
 * makes every write slower.
 */

const POLL_EVERY_MS = 200;
const PAUSE_MS = 1_000;
/** As many as one call reads. */
const PAGE = 100;
const SEQUENCE_DIGITS = 21;

/** One change, as a stream tells of it. */
export interface StreamRecord {
  readonly eventName: 'MODIFY';
  readonly dynamodb: {
    readonly Keys: Record<string, AttributeValue>;
    readonly NewImage: Record<string, AttributeValue>;
    readonly SequenceNumber: string;
  };
}

/** What the function answers where it reports which records of a batch failed. */
export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export interface EventSourceOptions {
  readonly table: Table;
  readonly source: EventSource;
  readonly invoke: (event: { readonly Records: readonly StreamRecord[] }) => Promise<BatchAnswer>;
  /** A record was tried as often as it may be; Lambda would put where it stands into the dead-letter queue. */
  readonly onDeadLetter: (record: StreamRecord) => void;
  /** The table does not answer, and is asked again until it does; said once for each time it is away. */
  readonly onAway: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** Brings notices to a function until `signal` aborts, each change of one once. Where the table is away it waits for it. */
export async function runEventSource(options: EventSourceOptions): Promise<void> {
  const { table, source, signal, onAway } = options;
  const wait = (ms: number) => delay(ms, undefined, { signal }).catch(() => {});
  let sequence = 0;
  let isAway = false;
  /** Changes that were brought, by what they changed into. */
  let brought = new Set<string>();
  while (!signal.aborted) {
    let items: Item[];
    try {
      items = await unsentNotices(table);
      isAway = false;
    } catch (error) {
      if (!isAway && !signal.aborted) onAway(error);
      isAway = true;
      await wait(PAUSE_MS);
      continue;
    }
    const records = items
      .filter((item) => !brought.has(changeOf(item)))
      .map((item, n) => recordOf(item, String(sequence + n).padStart(SEQUENCE_DIGITS, '0')))
      .filter((record) => passes(record, source.filters));
    brought = new Set(items.map(changeOf));
    sequence += items.length;
    for (let at = 0; at < records.length; at += source.batchSize) {
      await deliver(records.slice(at, at + source.batchSize), options);
    }
    await wait(POLL_EVERY_MS);
  }
}

/** All of them: those that were given up stand before the new ones for as long as nobody sends them again. */
async function unsentNotices(table: Table): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of dueWorkPages(table, 'notice', new Date(), PAGE)) {
    const found = await readTogether(
      table,
      page.map(({ key }) => key),
    );
    items.push(...found.filter((item) => item !== undefined));
  }
  return items;
}

/** A notice that is put into the stream again is another change. */
const changeOf = ({ pk, sk, created_at, requeued_at }: Item): string =>
  JSON.stringify([pk, sk, created_at, requeued_at]);

function recordOf(item: Item, SequenceNumber: string): StreamRecord {
  const { pk, sk } = item;
  return {
    eventName: 'MODIFY',
    dynamodb: { Keys: marshall({ pk, sk }), NewImage: marshall(item), SequenceNumber },
  };
}

/** Repeats from the first record that failed, as Lambda does; what comes after it is delivered again too. */
async function deliver(
  records: readonly StreamRecord[],
  { invoke, onDeadLetter, source, signal }: EventSourceOptions,
): Promise<void> {
  let left = records;
  let tries = 0;
  while (left.length > 0 && !signal.aborted) {
    const failed = await failedOf(invoke, left);
    if (failed === null) return;
    if (failed > 0) tries = 0;
    left = left.slice(failed);
    tries += 1;
    if (tries <= source.maximumRetryAttempts) continue;
    const [given, ...rest] = left;
    if (given !== undefined) onDeadLetter(given);
    left = rest;
    tries = 0;
  }
}

/** The place of the first record that failed; null when none did. */
async function failedOf(
  invoke: EventSourceOptions['invoke'],
  records: readonly StreamRecord[],
): Promise<number | null> {
  try {
    const { batchItemFailures } = await invoke({ Records: records });
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const first = records.findIndex(({ dynamodb }) => failed.has(dynamodb.SequenceNumber));
    return first === -1 ? null : first;
  } catch {
    return 0; // The whole batch, as when a function ends without an answer.
  }
}

/** Lambda's filter language as far as serverless.yml uses it: any of some values, or of some prefixes. */
export function passes(record: unknown, filters: readonly unknown[]): boolean {
  return filters.length === 0 || filters.some((filter) => matches(record, filter));
}

function matches(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) return pattern.some((one) => fits(value, one));
  if (typeof pattern !== 'object' || pattern === null || typeof value !== 'object' || value === null) {
    return false;
  }
  const fields = new Map(Object.entries(value));
  return Object.entries(pattern).every(([name, inner]) => matches(fields.get(name), inner));
}

function fits(value: unknown, rule: unknown): boolean {
  if (typeof rule !== 'object' || rule === null) return value === rule;
  return 'prefix' in rule && typeof value === 'string' && value.startsWith(String(rule.prefix));
}
