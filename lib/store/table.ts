import {
  type CancellationReason,
  ConditionalCheckFailedException,
  DynamoDBClient,
  DynamoDBServiceException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { BillingError } from '../errors.ts';
import type { Config } from '../settings/environment.ts';
import { type Key, keys } from './keys.ts';

export type Item = Record<string, unknown>;

type NamedWrite = NonNullable<TransactWriteCommandInput['TransactItems']>[number];
type WithoutTable<K extends keyof NamedWrite> = Omit<NonNullable<NamedWrite[K]>, 'TableName'>;

/** A write of one item as a plain value, made by write.ts. The table name is added on sending. */
export type Write =
  | { readonly Put: WithoutTable<'Put'> }
  | { readonly Update: WithoutTable<'Update'> }
  | { readonly Delete: WithoutTable<'Delete'> }
  | { readonly ConditionCheck: WithoutTable<'ConditionCheck'> };

/** The ledger's table: its client and its name. */
export interface Table {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;
}

/** A refused conditional write. Both lists have one element per write, in the order of the writes. */
export interface Refusal {
  readonly kind: 'refused';
  /** The stored item that failed the condition; undefined if there is no item, or the condition held. */
  readonly winners: readonly (Item | undefined)[];
  /** Whether the condition failed. */
  readonly failed: readonly boolean[];
}

/** Another writer was changing the same item, or the table throttled us. Nothing was written; retry. */
export interface Contended {
  readonly kind: 'contended';
}

export type WriteResult = { readonly kind: 'written' } | Refusal | Contended;

/**
 * Two calls that use up every attempt take 12 s. Every function's timeout is longer, so it can still respond.
 */
const CONNECT_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 2_000;
const MAX_SDK_ATTEMPTS = 3;
const MAX_BATCH_ROUNDS = 5;

export function openTable({ tableName, dynamodbEndpoint }: Config): Table {
  const client = new DynamoDBClient({
    maxAttempts: MAX_SDK_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    ...(dynamodbEndpoint === undefined ? {} : { endpoint: dynamodbEndpoint }),
  });
  // It copies every request and response for a log that we do not keep.
  client.middlewareStack.remove('loggerMiddleware');
  return { client: DynamoDBDocumentClient.from(client), name: tableName };
}

/** Reads items of any kind in one strongly consistent call; an absent item is undefined. */
export async function readTogether(table: Table, wanted: readonly Key[]): Promise<(Item | undefined)[]> {
  const found: Item[] = [];
  let pending: Record<string, unknown>[] = wanted.map(({ pk, sk }) => ({ pk, sk }));
  for (let round = 0; pending.length > 0; round++) {
    if (round === MAX_BATCH_ROUNDS) throw unavailable('Reading', new Error('keys stayed unprocessed'));
    const command = new BatchGetCommand({
      RequestItems: { [table.name]: { Keys: pending, ConsistentRead: true } },
    });
    const { Responses, UnprocessedKeys } = await attempt('Reading', () => table.client.send(command));
    found.push(...(Responses?.[table.name] ?? []));
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
 * Writes all items or none, each under its condition. The SDK retries a lost request under one idempotency
 * token, so a retry of a completed write returns `written`.
 * @throws BillingError ledger_unavailable if the outcome is unknown; the caller's guard makes a retry
 *   idempotent.
 */
export function writeTogether(table: Table, writes: readonly Write[]): Promise<WriteResult> {
  const TransactItems = writes.map((write) => named(table, write));
  return outcomeOf(() => table.client.send(new TransactWriteCommand({ TransactItems })));
}

/** Writes one item under its condition, with the same outcomes as `writeTogether`. */
export function writeOne(
  { client, name: TableName }: Table,
  write: Extract<Write, { Put: unknown } | { Update: unknown }>,
): Promise<WriteResult> {
  return outcomeOf(() =>
    'Put' in write
      ? client.send(new PutCommand({ TableName, ...write.Put }))
      : client.send(new UpdateCommand({ TableName, ...write.Update })),
  );
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
export function named({ name: TableName }: Table, write: Write): NamedWrite {
  if ('Put' in write) return { Put: { TableName, ...write.Put } };
  if ('Update' in write) return { Update: { TableName, ...write.Update } };
  if ('Delete' in write) return { Delete: { TableName, ...write.Delete } };
  return { ConditionCheck: { TableName, ...write.ConditionCheck } };
}

/** Whether the table answers a consistent read in time. Never throws. */
export async function answers(table: Table, timeoutMs: number): Promise<boolean> {
  const read = new GetCommand({ TableName: table.name, Key: { ...keys.health }, ConsistentRead: true });
  try {
    await table.client.send(read, { abortSignal: AbortSignal.timeout(timeoutMs) });
    return true;
  } catch {
    return false;
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

async function outcomeOf(send: () => Promise<unknown>): Promise<WriteResult> {
  try {
    await send();
    return { kind: 'written' };
  } catch (error) {
    if (error instanceof TransactionCanceledException) return refusal(error.CancellationReasons ?? [], error);
    if (error instanceof ConditionalCheckFailedException) {
      return { kind: 'refused', winners: [error.Item && unmarshall(error.Item)], failed: [true] };
    }
    if (isContention(error)) return { kind: 'contended' };
    throw unavailable('Writing', error);
  }
}

function refusal(reasons: readonly CancellationReason[], error: unknown): WriteResult {
  const failed = reasons.map(({ Code }) => Code === 'ConditionalCheckFailed');
  if (failed.includes(true)) {
    const winners = reasons.map(({ Item }, i) => (failed[i] && Item ? unmarshall(Item) : undefined));
    return { kind: 'refused', winners, failed };
  }
  const isContended = reasons.every(({ Code = 'None' }) => Code === 'None' || CONTENTION.has(Code));
  if (isContended) return { kind: 'contended' };
  throw unavailable('Writing', error);
}

const CONTENTION = new Set([
  'TransactionConflict',
  'TransactionConflictException',
  'TransactionInProgressException',
  'ThrottlingError',
  'ThrottlingException',
  'ProvisionedThroughputExceeded',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
]);

const isContention = (error: unknown): boolean =>
  error instanceof DynamoDBServiceException && CONTENTION.has(error.name);

function unavailable(what: string, cause: unknown): BillingError {
  const detail = `${what} the ledger failed on our side. It is safe to send the same request again.`;
  return new BillingError('ledger_unavailable', detail, {}, { cause });
}
