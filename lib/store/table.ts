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

/** A write of one item, as a plain value; write.ts makes them. The name of the table is added when it is sent. */
export type Write =
  | { readonly Put: WithoutTable<'Put'> }
  | { readonly Update: WithoutTable<'Update'> }
  | { readonly Delete: WithoutTable<'Delete'> }
  | { readonly ConditionCheck: WithoutTable<'ConditionCheck'> };

/** The ledger's table: where it is and the client that reaches it. */
export interface Table {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;
}

/** A conditional write that was refused. In the order of the writes: which condition failed, and the item it failed for. */
export interface Refusal {
  readonly kind: 'refused';
  readonly winners: readonly (Item | undefined)[];
  readonly failed: readonly boolean[];
}

/** Another writer was at the same item, or the table throttled us. Nothing was written; try again. */
export interface Contended {
  readonly kind: 'contended';
}

export type WriteResult = { readonly kind: 'written' } | Refusal | Contended;

/** Two calls that use up every attempt take 12 s: less than any function may run, so that the answer is ours. */
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
  // It copies what each call says and is answered, for a log that we do not keep.
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

/** Reads the item of each thing, at most 100, in one strongly consistent call; leaves out what has none. */
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

/** Reads one item, strongly consistent, and decodes it; null where there is none. */
export async function readOne<T>(table: Table, key: Key, decode: (item: Item) => T): Promise<T | null> {
  const [item] = await readTogether(table, [key]);
  return item === undefined ? null : decode(item);
}

/**
 * Writes all or nothing, each item under its condition. Within one call the SDK repeats a lost request under one
 * idempotency token, so a repeat of a write that did happen is answered as written.
 * @throws BillingError ledger_unavailable when the outcome is not known; the caller's guard makes a repeat safe.
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

/** The answer to a caller: `written`, or what `refused` makes of the items for which a condition failed. */
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

/** The write as DynamoDB wants it in a transaction. */
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

/** Runs a read; any failure of it becomes the one public error. */
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
