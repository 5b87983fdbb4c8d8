import { randomBytes } from 'node:crypto';
import { setTimeout as sleep, setImmediate as yieldOnce } from 'node:timers/promises';
import { inject } from 'vitest';
import { ensureTable } from '../../cli/stage/table.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { openTable, type Table } from '../../lib/store/table.ts';
import { middlewareOf } from './documents.ts';
import { IN_PROCESS } from './in-process.ts';
import { ModelEngine } from './table-model/engine.ts';
import { tableInProcess } from './table-model/table-in-process.ts';

export const TEST_CREDENTIALS = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
} as const;

/**
 * Whether this run uses the table model, so that no test waits in real time. Benchmarks use this file without
 * vitest.
 */
export const isInProcess = (): boolean =>
  process.env['VITEST'] !== undefined && inject('dynamodbEndpoint') === IN_PROCESS;
const inProcess = new ModelEngine();

/**
 * The engine's address of this run. The table model gets an address only for functions, proxies and child
 * processes.
 */
export const engineEndpoint = async (): Promise<string> =>
  isInProcess() ? inProcess.endpoint() : inject('dynamodbEndpoint');

/**
 * Opens a table as a function does: the SDK's full client, with retries, calls the engine or `endpoint`.
 * Tables have the same name in the engine and in the model.
 */
export async function throughSdk({ name: tableName }: Table, endpoint?: string): Promise<Table> {
  return openTable({ tableName, stage: 'test', dynamodbEndpoint: endpoint ?? (await engineEndpoint()) });
}

/** Opens the same table with another client, per table. */
const reopening = new WeakMap<Table, () => Table>();

/** A separate table for a test file: a table model, or a table on the engine of this run. */
export async function openTestTable(): Promise<Table> {
  Object.assign(process.env, TEST_CREDENTIALS);
  if (isInProcess()) {
    const place = inProcess.newTable();
    return reopenable(() => tableInProcess(place));
  }
  const tableName = `test-${randomBytes(6).toString('hex')}`;
  const dynamodbEndpoint = inject('dynamodbEndpoint');
  const table = reopenable(() => openTable({ tableName, stage: 'test', dynamodbEndpoint }));
  await ensureTable(table.client, tableName);
  return table;
}

function reopenable(open: () => Table): Table {
  const table = open();
  reopening.set(table, open);
  return table;
}

/**
 * Another client of a table that `openTestTable` opened. Middleware of one client does not affect the other.
 */
export function anotherClientOf(table: Table): Table {
  const open = reopening.get(table);
  if (open === undefined) throw new Error('openTestTable did not open this table');
  return open();
}

/** Without Stripe, unless one is passed: see support/money.ts. */
export function testDeps(table: Table, overrides: Partial<PaymentDeps> = {}): PaymentDeps {
  return {
    stage: 'test',
    keyCallsPerMinute: 6_000,
    table,
    now: () => new Date(),
    random: Math.random,
    randomBytes,
    // In process, one turn of the event loop is enough for the others to finish.
    sleep: (ms) => (isInProcess() ? yieldOnce() : sleep(ms)),
    report: () => {},
    stripe: () => Promise.reject(new Error('this test has no connection to Stripe')),
    ...overrides,
  };
}

/**
 * The names of the DynamoDB calls during `work`. With an engine, calls are counted where the SDK sends them.
 */
export async function countingCalls<T>(
  table: Table,
  work: () => Promise<T>,
): Promise<{ result: T; calls: string[] }> {
  const calls: string[] = [];
  const note = (command: string | undefined) => calls.push(String(command).replace(/Command$/, ''));
  const name = `count-${randomBytes(4).toString('hex')}`;
  const middlewareStack = middlewareOf(table);
  if (isInProcess()) {
    middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          note(commandName);
          return next(args);
        },
      { step: 'initialize', priority: 'high', name },
    );
  } else {
    middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          note(commandName);
          return next(args);
        },
      { step: 'finalizeRequest', priority: 'low', name },
    );
  }
  try {
    return { result: await work(), calls };
  } finally {
    middlewareOf(table).remove(name);
  }
}

/** The number of successful calls of a kind during `work`. */
export async function countingDone(
  table: Table,
  kind: string,
  work: () => Promise<unknown>,
): Promise<number> {
  let done = 0;
  const name = `done-${randomBytes(4).toString('hex')}`;
  middlewareOf(table).add(
    (next, context) => async (args) => {
      const answer = await next(args);
      if (String(context.commandName).startsWith(kind)) done += 1;
      return answer;
    },
    { step: 'initialize', priority: 'high', name },
  );
  try {
    await work();
    return done;
  } finally {
    middlewareOf(table).remove(name);
  }
}

/** Simulates a process that crashes after `count` calls of a kind: later calls do not reach the table. */
export async function dyingAfter(
  table: Table,
  count: number,
  kind: string,
  work: () => Promise<unknown>,
): Promise<void> {
  let left = count;
  const name = `dying-${randomBytes(4).toString('hex')}`;
  middlewareOf(table).add(
    (next, context) => (args) => {
      const isOfKind = String(context.commandName).startsWith(kind);
      if (left === 0) return Promise.reject(new Error('this process is dead'));
      if (isOfKind) left -= 1;
      return next(args);
    },
    { step: 'initialize', priority: 'high', name },
  );
  try {
    await work().catch(() => {});
  } finally {
    middlewareOf(table).remove(name);
  }
}

/**
 * Another client of the table, which calls `happen` before each of its calls of a kind, with the call's number.
 * So a test decides what another process does between two calls.
 */
export function beforeTableCall(
  table: Table,
  kind: string,
  happen: (nth: number) => Promise<unknown>,
): Table {
  const own = anotherClientOf(table);
  let asked = 0;
  middlewareOf(own).add(
    (next, { commandName }) =>
      async (args) => {
        if (!String(commandName).startsWith(kind)) return next(args);
        asked += 1;
        await happen(asked);
        return next(args);
      },
    { step: 'initialize', priority: 'high', name: 'before' },
  );
  return own;
}
