import {
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Key } from '../../../lib/store/keys.ts';
import type { Item } from '../../../lib/store/table.ts';
import { DueIndex, inIndexOrder } from './due-index.ts';
import { type Bindings, InvalidExpression, parseCondition, parseUpdate } from './expression.ts';
import type { Query, Request, Scan, SingleWrite, TransactWrite } from './requests.ts';

const METADATA = {} as const;
export interface Page {
  readonly Items: Item[];
  readonly Count: number;
  readonly LastEvaluatedKey?: Item;
  readonly ConsumedCapacity: { readonly CapacityUnits: number };
}

interface Found {
  readonly Item?: Item;
}

interface FoundTogether {
  readonly Responses: Record<string, Item[]>;
  readonly UnprocessedKeys: Record<string, { Keys: Key[] }>;
}

export type Answer = { readonly $metadata: object } & (Found | FoundTogether | Page);

/** The most items in one page of a query or scan. */
const MAX_PAGE = 1_000;

const MAX_PARTITION_KEY_BYTES = 2_048;
const MAX_SORT_KEY_BYTES = 1_024;

/** The keys that a request names. */
function keysIn(request: Request): readonly Key[] {
  switch (request.kind) {
    case 'get':
      return [request.Key];
    case 'batch_get':
      return request.Keys;
    case 'write':
      return [request.write.key];
    case 'transact':
      return request.writes.map(({ key }) => key);
    case 'query':
    case 'scan':
      return request.after === undefined
        ? []
        : [{ pk: String(request.after['pk']), sk: String(request.after['sk']) }];
    default:
      return request satisfies never;
  }
}

const namesOf = (keys: readonly Key[]): Set<string> => new Set(keys.map(({ pk, sk }) => `${pk} ${sk}`));

export interface ModelOptions {
  /** The lag of the index for a write made now. */
  readonly lagMs?: () => number;
  readonly nowMs?: () => number;
  /** Called with each item after a write, like the table's stream. */
  readonly onWritten?: (key: Key, item: Item) => void;
}

/** A table in memory that behaves like DynamoDB: atomic writes, conditions, and an index that lags. */
export class TableModel {
  readonly #partitions = new Map<string, Partition>();
  readonly #index: DueIndex;
  readonly #onWritten: NonNullable<ModelOptions['onWritten']>;

  constructor({ lagMs = () => 0, nowMs = () => 0, onWritten = () => {} }: ModelOptions = {}) {
    this.#index = new DueIndex(lagMs, nowMs);
    this.#onWritten = onWritten;
  }

  /** Executes a request atomically. @throws the SDK's own exceptions */
  execute(request: Request) {
    try {
      return this.#answer(request);
    } catch (error) {
      if (error instanceof InvalidExpression) throw invalid(error.message);
      throw error;
    }
  }

  /** All stored items in key order. */
  *items(): Generator<Item> {
    for (const [, partition] of this.#partitionsInOrder()) yield* partition.inOrder();
  }

  #answer(request: Request): Answer {
    for (const { pk, sk } of keysIn(request)) {
      if (Buffer.byteLength(pk) > MAX_PARTITION_KEY_BYTES || Buffer.byteLength(sk) > MAX_SORT_KEY_BYTES)
        throw invalid('One or more parameter values were invalid: a key exceeds its maximum size');
    }
    const answered = { $metadata: METADATA };
    switch (request.kind) {
      case 'get': {
        const item = this.#find(request.Key);
        return { ...answered, ...(item !== undefined && { Item: copyOf(item) }) };
      }
      case 'batch_get': {
        const { TableName, Keys } = request;
        if (namesOf(Keys).size < Keys.length) throw invalid('Provided list of item keys contains duplicates');
        const found = Keys.map((key) => this.#find(key)).filter((item) => item !== undefined);
        return { ...answered, Responses: { [TableName]: found.map(copyOf) }, UnprocessedKeys: {} };
      }
      case 'query':
        return { ...answered, ...this.#query(request) };
      case 'scan':
        return { ...answered, ...this.#scan(request) };
      case 'write': {
        const problem = this.#problemOf(request.write);
        if (problem !== null) {
          throw new ConditionalCheckFailedException({
            $metadata: METADATA,
            message: CONDITION_FAILED,
            ...(problem.item !== undefined && { Item: marshall(problem.item) }),
          });
        }
        this.#apply(request.write);
        return answered;
      }
      case 'transact':
        this.#transact(request);
        return answered;
      default:
        return request satisfies never;
    }
  }

  #transact({ writes }: TransactWrite): void {
    if (namesOf(writes.map(({ key }) => key)).size < writes.length)
      throw invalid('Transaction request cannot include multiple operations on one item');
    const problems = writes.map((write) => this.#problemOf(write));
    if (problems.some((problem) => problem !== null)) {
      throw new TransactionCanceledException({
        $metadata: METADATA,
        message: 'Transaction cancelled, please refer cancellation reasons for specific reasons',
        CancellationReasons: problems.map((problem) =>
          problem === null
            ? { Code: 'None' }
            : {
                Code: 'ConditionalCheckFailed',
                Message: CONDITION_FAILED,
                ...(problem.item !== undefined && { Item: marshall(problem.item) }),
              },
        ),
      });
    }
    // All changes are computed before the first is stored, so that an error stores nothing.
    const changed = writes.map((write) => this.#changed(write));
    for (const [i, write] of writes.entries()) this.#store(write, changed[i]);
  }

  /** Why a write is rejected, or null if it can be done. */
  #problemOf({ key, condition, bindings, mentions, returnsOld }: SingleWrite): { item?: Item } | null {
    assertMentioned(bindings, mentions);
    if (condition === undefined) return null;
    const item = this.#find(key);
    if (parseCondition(condition).condition(item ?? {}, bindings)) return null;
    return returnsOld && item !== undefined ? { item } : {};
  }

  #apply(write: SingleWrite): void {
    this.#store(write, this.#changed(write));
  }

  /** The item after a write, or undefined if it is deleted. */
  #changed({ key, change, bindings }: SingleWrite): Item | undefined {
    switch (change.kind) {
      case 'check':
        return this.#find(key);
      case 'put':
        return copyOf(change.item);
      case 'delete':
        return undefined;
      case 'update': {
        const before = this.#find(key) ?? { ...key };
        const after = copyOf(before);
        for (const apply of parseUpdate(change.expression).changes) apply(after, before, bindings);
        if (after['pk'] !== key.pk || after['sk'] !== key.sk) throw invalid('a key cannot be updated');
        return copyOf(after);
      }
      default:
        return change satisfies never;
    }
  }

  #store({ key, change }: SingleWrite, item: Item | undefined): void {
    if (change.kind === 'check') return;
    const { pk, sk } = key;
    if (item === undefined) {
      const partition = this.#partitions.get(pk);
      partition?.delete(sk);
      if (partition?.size === 0) this.#partitions.delete(pk);
    } else {
      const partition = this.#partitions.get(pk) ?? new Partition();
      partition.set(sk, item);
      this.#partitions.set(pk, partition);
      this.#onWritten(key, item);
    }
    this.#index.follow(key, item);
  }

  #query(query: Query) {
    const { bindings, filter, index, forward, limit, after } = query;
    const { condition, mentions } = parseCondition(query.condition);
    assertMentioned(bindings, new Set([...mentions, ...(filter?.mentions ?? [])]));
    if (index === undefined) {
      const partition = this.#partitions.get(partitionOf(query))?.inOrder() ?? [];
      const candidates = forward ? partition : partition.toReversed();
      const start = after === undefined ? 0 : countUpTo(candidates, after, forward);
      // In a long partition, reads only one page and one more item, which shows whether another page follows.
      const matching = firstOf(candidates, start, Math.min(limit, MAX_PAGE) + 1, (item) =>
        condition(item, bindings),
      );
      return paged(matching, 0, limit, query);
    }
    const found = this.#index.items().filter((item) => condition(item, bindings));
    if (!forward) found.reverse();
    const at = after === undefined ? 0 : found.findIndex((item) => isSameKey(item, after)) + 1;
    // The index may have lost the item that ended the previous page. The query then continues after its
    // position.
    const start =
      after === undefined || at > 0 ? at : found.filter((item) => inIndexOrder(item, after) <= 0).length;
    return paged(found, start, limit, query);
  }

  #scan(scan: Scan) {
    const { segment, of } = scan;
    const all: Item[] = [];
    for (const [pk, partition] of this.#partitionsInOrder()) {
      if (segmentOf(pk, of) !== segment) continue;
      // Pushed one by one: a large partition has more items than a call can have arguments.
      for (const item of partition.inOrder()) all.push(item);
    }
    const { after } = scan;
    const start = after === undefined ? 0 : all.filter((item) => isUpTo(item, after)).length;
    return paged(all, start, scan.limit, scan);
  }

  #find({ pk, sk }: Key): Item | undefined {
    return this.#partitions.get(pk)?.get(sk);
  }

  #partitionsInOrder(): [string, Partition][] {
    return [...this.#partitions].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
}

const CONDITION_FAILED = 'The conditional request failed';

function paged(
  items: readonly Item[],
  start: number,
  limit: number,
  { filter, bindings, projection, index }: Query | Scan,
): Page {
  const read = items.slice(start, start + Math.min(limit, MAX_PAGE));
  const kept = filter === undefined ? read : read.filter((item) => filter.condition(item, bindings));
  const last = read.at(-1);
  const isCut = start + read.length < items.length || read.length === limit;
  return {
    Items: kept.map((item) => (projection === undefined ? copyOf(item) : projected(item, projection))),
    Count: kept.length,
    ...(isCut && last !== undefined && { LastEvaluatedKey: keyOf(last, index) }),
    // Based on the returned items: others have random names, which must not affect the scheduling.
    ConsumedCapacity: { CapacityUnits: Math.max(0.5, kept.length / 8) },
  };
}

const keyOf = (item: Item, index: string | undefined): Item => ({
  pk: item['pk'],
  sk: item['sk'],
  ...(index !== undefined && { due: item['due'], due_at: item['due_at'] }),
});

const projected = (item: Item, names: readonly string[]): Item =>
  Object.fromEntries(names.filter((name) => Object.hasOwn(item, name)).map((name) => [name, item[name]]));

/** How many items of a partition come before a position, or are at it. The item there may be gone. */
function countUpTo(candidates: readonly Item[], { sk: after }: Item, forward: boolean): number {
  const next = candidates.findIndex(({ sk }) =>
    forward ? String(after) < String(sk) : String(sk) < String(after),
  );
  return next === -1 ? candidates.length : next;
}

const isSameKey = (a: Item, b: Item): boolean => a['pk'] === b['pk'] && a['sk'] === b['sk'];

/** In the table's order. */
function isUpTo(item: Item, after: Item): boolean {
  for (const name of ['pk', 'sk']) {
    const [a, b] = [String(item[name]), String(after[name])];
    if (a !== b) return a < b;
  }
  return true;
}

/** The items of one partition key. A read sorts them only if a key was added or removed. */
class Partition {
  readonly #items = new Map<string, Item>();
  #keys: readonly string[] | null = null;

  get size(): number {
    return this.#items.size;
  }

  get(sk: string): Item | undefined {
    return this.#items.get(sk);
  }

  set(sk: string, item: Item): void {
    if (!this.#items.has(sk)) this.#keys = null;
    this.#items.set(sk, item);
  }

  delete(sk: string): void {
    if (this.#items.delete(sk)) this.#keys = null;
  }

  inOrder(): Item[] {
    this.#keys ??= [...this.#items.keys()].toSorted((a, b) => (a < b ? -1 : 1));
    return this.#keys.map((sk) => this.#items.get(sk)).filter((item) => item !== undefined);
  }
}

function firstOf<T>(all: readonly T[], start: number, count: number, isWanted: (one: T) => boolean): T[] {
  const wanted: T[] = [];
  for (let at = start; at < all.length && wanted.length < count; at++) {
    const one = all[at];
    if (one !== undefined && isWanted(one)) wanted.push(one);
  }
  return wanted;
}

function partitionOf({ condition, bindings }: Query): string {
  const name = /^\s*pk\s*=\s*(:\w+)/.exec(condition)?.[1];
  const pk = name === undefined ? undefined : bindings.values[name];
  if (typeof pk !== 'string') throw invalid('a query must name its partition first');
  return pk;
}

function segmentOf(pk: string, of: number): number {
  let sum = 0;
  for (let i = 0; i < pk.length; i++) sum = (sum * 31 + pk.charCodeAt(i)) >>> 0;
  return sum % of;
}

/** DynamoDB rejects a name or value that no expression mentions. */
function assertMentioned({ names, values }: Bindings, mentions: ReadonlySet<string>): void {
  for (const name of [...Object.keys(names), ...Object.keys(values)]) {
    if (!mentions.has(name)) throw invalid(`Value provided but unused in expressions: ${name}`);
  }
}

export function invalid(message: string): DynamoDBServiceException {
  return new DynamoDBServiceException({
    name: 'ValidationException',
    message,
    $fault: 'client',
    $metadata: METADATA,
  });
}

/** Copies an item, so that stored items are not shared. Like the SDK, rejects undefined values. */
export function copyOf(item: Item): Item {
  const copy: Item = {};
  for (const name in item) copy[name] = copyOfValue(item[name]);
  return copy;
}

function copyOfValue(value: unknown): unknown {
  if (value === undefined)
    throw new Error('Pass options.removeUndefinedValues=true to remove undefined values.');
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOfValue);
  return copyOf({ ...value });
}
