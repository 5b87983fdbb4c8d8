import { setTimeout as delay } from 'node:timers/promises';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { dueWorkPages } from '../../lib/store/due-work.ts';
import { type Item, readTogether, type Table } from '../../lib/store/table.ts';
import type { EventSource } from './triggers.ts';

/*
 * Replaces Lambda's event source mapping between a table's stream and a function. Filters the records and
 * invokes the function with batches. Retries the records that the function reports as failed, and reports a
 * dead letter after the last retry. The records do not come from a stream, because a stream of the embedded
 * engine slows down every write. They come from the index of due work, which has each notice until it is
 * sent.
 */

const POLL_EVERY_MS = 200;
const PAUSE_MS = 1_000;
/** The most items that one call reads. */
const PAGE = 100;
const SEQUENCE_DIGITS = 21;

/** One change in the format of a stream record. */
export interface StreamRecord {
  readonly eventName: 'MODIFY';
  readonly dynamodb: {
    readonly Keys: Record<string, AttributeValue>;
    readonly NewImage: Record<string, AttributeValue>;
    readonly SequenceNumber: string;
  };
}

/** The function's answer, which names the failed records of a batch. */
export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export interface EventSourceOptions {
  readonly table: Table;
  readonly source: EventSource;
  readonly invoke: (event: { readonly Records: readonly StreamRecord[] }) => Promise<BatchAnswer>;
  /**
   * Called for a record after its last retry. Lambda would send its stream position to the dead-letter queue.
   */
  readonly onDeadLetter: (record: StreamRecord) => void;
  /** Called once for each outage of the table. The read is retried until the table answers. */
  readonly onUnreachable: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/**
 * Delivers each change of a notice to a function once, until `signal` aborts. Waits while the table is
 * unreachable.
 */
export async function runEventSource(options: EventSourceOptions): Promise<void> {
  const { table, source, signal, onUnreachable } = options;
  const wait = (ms: number) => delay(ms, undefined, { signal }).catch(() => {});
  let sequence = 0;
  let isUnreachable = false;
  /** The changes of the last read, which are delivered already. */
  let delivered = new Set<string>();
  while (!signal.aborted) {
    let items: Item[];
    try {
      items = await unsentNotices(table);
      isUnreachable = false;
    } catch (error) {
      if (!isUnreachable && !signal.aborted) onUnreachable(error);
      isUnreachable = true;
      await wait(PAUSE_MS);
      continue;
    }
    const records = items
      .filter((item) => !delivered.has(changeOf(item)))
      .map((item, n) => recordOf(item, String(sequence + n).padStart(SEQUENCE_DIGITS, '0')))
      .filter((record) => passes(record, source.filters));
    delivered = new Set(items.map(changeOf));
    sequence += items.length;
    for (let at = 0; at < records.length; at += source.batchSize) {
      await deliver(records.slice(at, at + source.batchSize), options);
    }
    await wait(POLL_EVERY_MS);
  }
}

/** Reads all pages: failed notices that are never resent stay in the index before the new ones. */
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

/** Identifies a change. A requeued notice counts as another change. */
const changeOf = ({ pk, sk, created_at, requeued_at }: Item): string =>
  JSON.stringify([pk, sk, created_at, requeued_at]);

function recordOf(item: Item, SequenceNumber: string): StreamRecord {
  const { pk, sk } = item;
  return {
    eventName: 'MODIFY',
    dynamodb: { Keys: marshall({ pk, sk }), NewImage: marshall(item), SequenceNumber },
  };
}

/** Retries from the first failed record, as Lambda does. The records after it are delivered again too. */
async function deliver(
  records: readonly StreamRecord[],
  { invoke, onDeadLetter, source, signal }: EventSourceOptions,
): Promise<void> {
  let left = records;
  let tries = 0;
  while (left.length > 0 && !signal.aborted) {
    const failed = await firstFailure(invoke, left);
    if (failed === null) return;
    if (failed > 0) tries = 0;
    left = left.slice(failed);
    tries += 1;
    if (tries <= source.maximumRetryAttempts) continue;
    const [abandoned, ...rest] = left;
    if (abandoned !== undefined) onDeadLetter(abandoned);
    left = rest;
    tries = 0;
  }
}

/** The index of the first failed record. Null if none failed. */
async function firstFailure(
  invoke: EventSourceOptions['invoke'],
  records: readonly StreamRecord[],
): Promise<number | null> {
  try {
    const { batchItemFailures } = await invoke({ Records: records });
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const first = records.findIndex(({ dynamodb }) => failed.has(dynamodb.SequenceNumber));
    return first === -1 ? null : first;
  } catch {
    return 0; // A function without an answer fails the whole batch.
  }
}

/** Applies Lambda's filter patterns, as far as serverless.yml uses them: lists of values and prefixes. */
export function passes(record: unknown, filters: readonly unknown[]): boolean {
  return filters.length === 0 || filters.some((filter) => matches(record, filter));
}

function matches(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern)) return pattern.some((rule) => matchesRule(value, rule));
  if (typeof pattern !== 'object' || pattern === null || typeof value !== 'object' || value === null) {
    return false;
  }
  const fields = new Map(Object.entries(value));
  return Object.entries(pattern).every(([name, inner]) => matches(fields.get(name), inner));
}

function matchesRule(value: unknown, rule: unknown): boolean {
  if (typeof rule !== 'object' || rule === null) return value === rule;
  return 'prefix' in rule && typeof value === 'string' && value.startsWith(String(rule.prefix));
}
