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
  type PutCommandInput,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { BillingError } from '../errors.ts';
import type { Config } from '../settings/environment.ts';
import { type Key, keys } from './keys.ts';

export type Item = Record<string, unknown>;
export type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** The ledger's table: where it is and the client that reaches it. */
export interface Table {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;
}

/** What became of a conditional write. `winners` holds, in the order of the writes, the items that stood in the way. */
export type WriteResult =
  | { readonly kind: 'written' }
  | {
      readonly kind: 'refused';
      readonly winners: readonly (Item | undefined)[];
      readonly failed: readonly boolean[];
    }
  /** Somebody else was writing at this instant, or the table asks for patience: nothing was written; try again. */
  | { readonly kind: 'contended' };

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

/**
 * Writes all or nothing, each item under its condition. Within one call the SDK repeats a lost request under one
 * idempotency token, so a repeat of a write that did happen is answered as written.
 * @throws BillingError ledger_unavailable when the outcome is not known; the caller's guard makes a repeat safe.
 */
export async function writeTogether(table: Table, writes: readonly Write[]): Promise<WriteResult> {
  const command = new TransactWriteCommand({ TransactItems: [...writes] });
  try {
    await table.client.send(command);
    return { kind: 'written' };
  } catch (error) {
    if (error instanceof TransactionCanceledException) return refusal(error.CancellationReasons ?? [], error);
    if (isContention(error)) return { kind: 'contended' };
    throw unavailable('Writing', error);
  }
}

/** Writes one item under its condition, with the same outcomes as `writeTogether`. */
export async function writeOne(
  table: Table,
  write:
    | { readonly put: Omit<PutCommandInput, 'TableName'> }
    | { readonly update: Omit<UpdateCommandInput, 'TableName'> },
): Promise<WriteResult> {
  const conditional = { TableName: table.name, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;
  try {
    if ('put' in write) await table.client.send(new PutCommand({ ...conditional, ...write.put }));
    else await table.client.send(new UpdateCommand({ ...conditional, ...write.update }));
    return { kind: 'written' };
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      return { kind: 'refused', winners: [error.Item && unmarshall(error.Item)], failed: [true] };
    }
    if (isContention(error)) return { kind: 'contended' };
    throw unavailable('Writing', error);
  }
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

function refusal(reasons: readonly CancellationReason[], error: unknown): WriteResult {
  const failed = reasons.map(({ Code }) => Code === 'ConditionalCheckFailed');
  if (failed.includes(true)) {
    const winners = reasons.map(({ Item }, i) => (failed[i] && Item ? unmarshall(Item) : undefined));
    return { kind: 'refused', winners, failed };
  }
  const codes = new Set(reasons.map(({ Code }) => Code ?? 'None'));
  if ([...codes].every((code) => code === 'None' || CONTENTION.has(code))) return { kind: 'contended' };
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

function isContention(error: unknown): boolean {
  return error instanceof DynamoDBServiceException && CONTENTION.has(error.name);
}

function unavailable(what: string, cause: unknown): BillingError {
  const detail = `${what} the ledger failed on our side. It is safe to send the same request again.`;
  return new BillingError('ledger_unavailable', detail, {}, { cause });
}
