import {
  type CancellationReason,
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import type { Table } from '../../../lib/store/table.ts';
import type { Answer, Page, TableModel } from '../../../test/support/table-model/model.ts';
import type { BatchGet, Query, Request, Scan } from '../../../test/support/table-model/requests.ts';
import { latencyMs } from '../latency.ts';
import type { Actor, Scheduler } from '../scheduler.ts';
import { answeredTable, tokens } from './table.ts';

const METADATA = {} as const;
/** After this time the SDK has given up: three tries of two seconds. */
const GIVEN_UP_AFTER_MS = 6_000;
const REPEATED_AFTER_MS = 2_000;

/**
 * - `in_progress`: it happened, and a repeat came too early to learn it.
 * - `mixed`: one condition fails, and another item is in conflict, so that its own condition was not checked.
 * - `conflict`, `throttled`: rejected without an effect.
 * - `lost_before`, `lost_after`: the SDK gave up, without or with an effect.
 * - `repeated`: the write took effect, its answer was lost, and the SDK sent it again. A transaction is
 *   recognized by its token; a single write fails on its own condition.
 * - `torn`: one call reads at two points in time, or returns a part as unprocessed.
 */
const WRITE_FAULTS = {
  conflict: 4,
  throttled: 2,
  in_progress: 2,
  mixed: 4,
  lost_before: 1,
  lost_after: 2,
  repeated: 3,
} as const;
const READ_FAULTS = { throttled: 1, lost_before: 1, torn: 6 } as const;
/** Reading a page takes long, so concurrent writes are common. */
const TORN_PAGES = 0.4;
type Fault = keyof typeof WRITE_FAULTS | keyof typeof READ_FAULTS | 'none';

/** The table that actors use. Each call has latency, so others can write meanwhile, and it may fail. */
export function faultyTable(
  model: TableModel,
  scheduler: Scheduler,
  onAnswered: (request: Request, outcome: string) => void,
  onDefect: (error: unknown) => void,
): Table {
  const execute = (request: Request): Answer => {
    try {
      const answer = model.execute(request);
      onAnswered(request, 'done');
      return answer;
    } catch (error) {
      onAnswered(request, error instanceof Error ? error.name : String(error));
      if (!isRefusal(error)) onDefect(error);
      throw error;
    }
  };
  /** Answers of transactions that a repeat with the same token gets. */
  const finished = new Map<string, Answer>();
  return answeredTable(answered, onDefect, {
    sleep: (ms) => scheduler.wait(ms),
    random: () => scheduler.actor?.random.next() ?? 0.5,
    newToken: tokens(),
    timeLeftMs: () => (scheduler.actor?.deadlineMs ?? Number.POSITIVE_INFINITY) - scheduler.nowMs,
  });

  async function answered(request: Request): Promise<Answer> {
    const { actor } = scheduler;
    if (actor === undefined) return model.execute(request);
    await scheduler.wait(latencyMs(actor.random));
    const repeated = request.kind === 'transact' ? finished.get(request.token ?? '') : undefined;
    if (repeated !== undefined) {
      if (actor.random.chance(0.3)) throw exception('TransactionInProgressException');
      return repeated;
    }
    const fault = faultOf(actor, request);
    if (fault !== 'none') onAnswered(request, fault);
    try {
      return await withFault(fault, request, actor);
    } finally {
      await scheduler.wait(latencyMs(actor.random));
    }
  }

  async function withFault(fault: Fault, request: Request, actor: Actor): Promise<Answer> {
    switch (fault) {
      case 'none':
        return execute(request);
      case 'conflict':
        throw conflictOf(request, actor);
      case 'throttled':
        throw exception('ThrottlingException');
      case 'in_progress': {
        const answer = execute(request);
        if (request.kind !== 'transact' || request.token === undefined) return answer;
        finished.set(request.token, answer);
        throw exception('TransactionInProgressException');
      }
      case 'mixed':
        return mixed(request);
      case 'lost_before':
        await scheduler.wait(GIVEN_UP_AFTER_MS);
        throw new Error('the request timed out');
      case 'lost_after':
        try {
          execute(request);
        } finally {
          await scheduler.wait(GIVEN_UP_AFTER_MS);
        }
        throw new Error('the request timed out');
      case 'repeated': {
        const first = execute(request);
        await scheduler.wait(REPEATED_AFTER_MS);
        return request.kind === 'transact' ? first : execute(request);
      }
      case 'torn':
        return torn(request, actor);
      default:
        return fault satisfies never;
    }
  }

  /** A refusal in which an item whose condition was not refused is in conflict. */
  function mixed(request: Request): Answer {
    try {
      return execute(request);
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const reasons = error.CancellationReasons ?? [];
      const at = reasons.findIndex(({ Code }) => Code === 'None');
      if (at < 0) throw error;
      throw canceled(reasons.map((reason, i) => (i === at ? { Code: 'TransactionConflict' } : reason)));
    }
  }

  async function torn(request: Request, actor: Actor): Promise<Answer> {
    if (request.kind === 'query' || request.kind === 'scan') return tornPage(request, actor);
    if (request.kind === 'batch_get' && request.Keys.length > 1) return tornBatch(request, actor);
    return execute(request);
  }

  /** A page is not a snapshot: its end is read later than its beginning. */
  async function tornPage(request: Query | Scan, { random }: Actor): Promise<Answer> {
    const at = random.int(1, 5);
    if (at >= request.limit) return execute(request);
    const first = pageOf(execute({ ...request, limit: at }));
    if (first.LastEvaluatedKey === undefined) return { $metadata: METADATA, ...first };
    await scheduler.wait(random.int(1, 200));
    const after = first.LastEvaluatedKey;
    const second = pageOf(execute({ ...request, after, limit: request.limit - at }));
    const Items = [...first.Items, ...second.Items];
    return { $metadata: METADATA, ...second, Items, Count: Items.length };
  }

  async function tornBatch({ TableName, Keys, ...request }: BatchGet, { random }: Actor): Promise<Answer> {
    const at = random.int(1, Keys.length - 1);
    const [later, sooner] = [Keys.slice(0, at), Keys.slice(at)];
    const first = itemsOf(execute({ ...request, TableName, Keys: sooner }), TableName);
    if (random.chance(0.3)) {
      return {
        $metadata: METADATA,
        Responses: { [TableName]: first },
        UnprocessedKeys: { [TableName]: { Keys: later.map((key) => ({ ...key })) } },
      };
    }
    await scheduler.wait(random.int(1, 200));
    const second = itemsOf(execute({ ...request, TableName, Keys: later }), TableName);
    return { $metadata: METADATA, Responses: { [TableName]: [...first, ...second] }, UnprocessedKeys: {} };
  }
}

/** Whether DynamoDB rejected the write because of a condition. An invalid request is a defect. */
const isRefusal = (error: unknown): boolean =>
  error instanceof TransactionCanceledException || error instanceof ConditionalCheckFailedException;

const itemsOf = (answer: Answer, tableName: string) =>
  'Responses' in answer ? (answer.Responses?.[tableName] ?? []) : [];

function pageOf(answer: Answer): Page {
  if (!('Count' in answer)) throw new Error('the answer is not a page');
  return answer;
}

function faultOf({ faults, random }: Actor, { kind }: Request): Fault {
  if (faults === null) return 'none';
  const isWrite = kind === 'write' || kind === 'transact';
  const isPage = kind === 'query' || kind === 'scan';
  if (isWrite && faults.isContended) return 'conflict';
  if (isPage && random.chance(TORN_PAGES)) return 'torn';
  if (!random.chance(faults.store)) return 'none';
  return isWrite ? random.weighted(WRITE_FAULTS) : random.weighted(READ_FAULTS);
}

function conflictOf(request: Request, { random }: Actor): Error {
  if (request.kind !== 'transact') return exception('TransactionConflictException');
  const at = random.int(0, request.writes.length - 1);
  return canceled(request.writes.map((_, i) => ({ Code: i === at ? 'TransactionConflict' : 'None' })));
}

const canceled = (CancellationReasons: CancellationReason[]) =>
  new TransactionCanceledException({
    $metadata: METADATA,
    message: 'Transaction cancelled, please refer cancellation reasons for specific reasons',
    CancellationReasons,
  });

const exception = (name: string) =>
  new DynamoDBServiceException({ name, message: name, $fault: 'client', $metadata: METADATA });
