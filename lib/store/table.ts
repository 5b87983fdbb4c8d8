import {
  BatchGetItemCommand,
  type DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { BillingError } from '../errors.ts';
import type { Config } from '../settings/environment.ts';
import { inTime, type TableTools, TOOLS, waitBefore } from './in-time.ts';
import { type Key, keys } from './keys.ts';
import { fromAttributes, type Item, toAttributes } from './wire/attributes.ts';
import { openClient } from './wire/client.ts';

export type { Item } from './wire/attributes.ts';

interface Expressions {
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Item;
  readonly ReturnValuesOnConditionCheckFailure?: 'ALL_OLD';
}

/** A write of one item as a plain value, made by write.ts. The table name is added on sending. */
export type Write =
  | { readonly Put: Expressions & { readonly Item: Item } }
  | { readonly Update: Expressions & { readonly Key: Item; readonly UpdateExpression: string } }
  | { readonly Delete: Expressions & { readonly Key: Item } }
  | { readonly ConditionCheck: Expressions & { readonly Key: Item; readonly ConditionExpression: string } };

/** The ledger's table: its client, its name, and how its calls wait. */
export interface Table {
  readonly client: DynamoDBClient;
  readonly name: string;
  readonly tools: TableTools;
}

/** A refused conditional write. Both lists have one element per write, in the order of the writes. */
export interface Refusal {
  readonly kind: 'refused';
  /** The stored item that failed the condition; undefined if there is no item, or the condition held. */
  readonly winners: readonly (Item | undefined)[];
  /** Whether the condition failed. */
  readonly failed: readonly boolean[];
}

/**
 * Another writer was changing the same item. Nothing was written; retry. Conditions of other items may not
 * have been checked, so nothing follows about them.
 */
export interface Contended {
  readonly kind: 'contended';
}

export type WriteResult = { readonly kind: 'written' } | Refusal | Contended;

const MAX_READ_ROUNDS = 6;
/** How often a transaction is sent, beside the SDK's own attempts, which wait between them. */
const MAX_SENDS = { in_progress: 6, throttled: 3 } as const;

export const openTable = (
  { tableName, dynamodbEndpoint }: Config,
  tools: Partial<TableTools> = {},
): Table => ({
  client: openClient(dynamodbEndpoint),
  name: tableName,
  tools: { ...TOOLS, ...tools },
});

/**
 * Reads at most 100 items of any kind in one strongly consistent call; an absent item is undefined. A key may
 * be wanted twice, for example the head of two pieces of work; DynamoDB refuses to be asked for it twice.
 */
export async function readTogether(table: Table, wanted: readonly Key[]): Promise<(Item | undefined)[]> {
  const found: Item[] = [];
  const distinct = new Map(wanted.map(({ pk, sk }) => [`${pk} ${sk}`, { pk, sk }]));
  let pending = [...distinct.values()].map(toAttributes);
  for (let round = 0; pending.length > 0; round++) {
    // DynamoDB leaves keys out when it has no capacity for them.
    if (round === MAX_READ_ROUNDS || (round > 0 && !(await waitBefore(table.tools, round))))
      throw unavailable('Reading', new Error('keys stayed unprocessed'));
    const command = new BatchGetItemCommand({
      RequestItems: { [table.name]: { Keys: pending, ConsistentRead: true } },
    });
    const { Responses, UnprocessedKeys } = await attempt('Reading', () =>
      inTime(table.tools, (options) => table.client.send(command, options)),
    );
    found.push(...(Responses?.[table.name] ?? []).map(fromAttributes));
    pending = UnprocessedKeys?.[table.name]?.Keys ?? [];
  }
  return wanted.map(({ pk, sk }) => found.find((item) => item['pk'] === pk && item['sk'] === sk));
}

/**
 * Reads the items of at most 100 things in one strongly consistent call. Leaves out things without an item.
 */
export async function readFound<T>(
  table: Table,
  things: readonly T[],
  keyOf: (thing: T) => Key,
): Promise<[T, Item][]> {
  const items = await readTogether(table, things.map(keyOf));
  return things.flatMap((thing, i): [T, Item][] => {
    const item = items[i];
    return item === undefined ? [] : [[thing, item]];
  });
}

/** Reads one item, strongly consistent, and decodes it; null if absent. */
export async function readOne<T>(table: Table, key: Key, decode: (item: Item) => T): Promise<T | null> {
  const [item] = await readTogether(table, [key]);
  return item === undefined ? null : decode(item);
}

/**
 * Writes all items or none, each under its condition. All sends have one idempotency token, so a repeat of a
 * write whose answer was lost, or that is still in progress, returns the result of that write. A throttled
 * write is repeated here, under the same token: an earlier send of it may have reached the table.
 * @throws BillingError ledger_unavailable if the table stays throttled or the outcome is unknown; the
 *   caller's guard makes a retry idempotent.
 */
export async function writeTogether(table: Table, writes: readonly Write[]): Promise<WriteResult> {
  const input = {
    TransactItems: writes.map((write) => named(table, write)),
    ClientRequestToken: table.tools.newToken(),
  };
  for (let round = 1; ; round++) {
    const result = await outcomeOf(() =>
      inTime(table.tools, (options) => table.client.send(new TransactWriteItemsCommand(input), options)),
    );
    if (result.kind !== 'undecided') return result;
    if (round >= MAX_SENDS[result.why] || !(await waitBefore(table.tools, round)))
      throw unavailable('Writing', result.cause);
  }
}

/** Turns a write result into a caller's result: `written`, what `refused` returns, or contention as it is. */
export function answerTo<T>(
  result: WriteResult,
  written: T,
  refused: (refusal: Refusal) => T,
): T | Contended {
  switch (result.kind) {
    case 'written':
      return written;
    case 'contended':
      return result;
    case 'refused':
      return refused(result);
    default:
      return result satisfies never;
  }
}

/** The write in DynamoDB's transaction format. */
export function named({ name: TableName }: Table, write: Write): TransactWriteItem {
  if ('Put' in write) return { Put: { TableName, ...sent(write.Put), Item: toAttributes(write.Put.Item) } };
  if ('Update' in write)
    return { Update: { TableName, ...sent(write.Update), Key: toAttributes(write.Update.Key) } };
  if ('Delete' in write)
    return { Delete: { TableName, ...sent(write.Delete), Key: toAttributes(write.Delete.Key) } };
  const { ConditionCheck } = write;
  return { ConditionCheck: { TableName, ...sent(ConditionCheck), Key: toAttributes(ConditionCheck.Key) } };
}

const sent = <T extends Expressions>({ ExpressionAttributeValues: values, ...rest }: T) => ({
  ...rest,
  ...(values && { ExpressionAttributeValues: toAttributes(values) }),
});

/** Why the table does not answer a consistent read in time. Null if it does. Never throws. */
export async function readFailure(table: Table, timeoutMs: number): Promise<{ cause: unknown } | null> {
  const read = new GetItemCommand({
    TableName: table.name,
    Key: toAttributes({ ...keys.health }),
    ConsistentRead: true,
  });
  try {
    await table.client.send(read, { abortSignal: AbortSignal.timeout(timeoutMs) });
    return null;
  } catch (cause) {
    return { cause };
  }
}

/** Runs a read. Any failure becomes the one public error. */
export async function attempt<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw unavailable(what, error);
  }
}

/** The same transaction must be sent again, with the same token, to learn its result. */
interface Undecided {
  readonly kind: 'undecided';
  /** `in_progress`: an earlier send is not finished. `throttled`: DynamoDB has no capacity. */
  readonly why: keyof typeof MAX_SENDS;
  readonly cause: unknown;
}

async function outcomeOf(send: () => Promise<unknown>): Promise<WriteResult | Undecided> {
  try {
    await send();
    return { kind: 'written' };
  } catch (error) {
    const isCanceled = error instanceof TransactionCanceledException;
    const reasons = isCanceled ? (error.CancellationReasons ?? []) : [];
    const name = error instanceof DynamoDBServiceException ? error.name : '';
    const codes = isCanceled ? reasons.map(({ Code = 'None' }) => Code) : [name];
    if (codes.includes('TransactionInProgressException'))
      return { kind: 'undecided', why: 'in_progress', cause: error };
    if (codes.some((code) => THROTTLED.has(code)))
      return { kind: 'undecided', why: 'throttled', cause: error };
    // DynamoDB stopped early: `None` of another item does not mean that its condition holds, and a failed
    // condition may be the only one that was checked.
    if (codes.some((code) => CONFLICTED.has(code))) return { kind: 'contended' };
    const failed = codes.map((code) => code === 'ConditionalCheckFailed');
    if (!failed.includes(true)) throw unavailable('Writing', error);
    const winners = reasons.map(({ Item }, i) => (failed[i] && Item ? fromAttributes(Item) : undefined));
    return { kind: 'refused', winners, failed };
  }
}

const THROTTLED: ReadonlySet<string> = new Set([
  'ThrottlingError',
  'ThrottlingException',
  'ProvisionedThroughputExceeded',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
]);
const CONFLICTED: ReadonlySet<string> = new Set(['TransactionConflict', 'TransactionConflictException']);

function unavailable(what: string, cause: unknown): BillingError {
  const detail = `${what} the ledger failed on our side. It is safe to send the same request again.`;
  return new BillingError('ledger_unavailable', detail, {}, { cause });
}
