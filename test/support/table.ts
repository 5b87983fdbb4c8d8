import { randomBytes } from 'node:crypto';
import { setTimeout as sleep, setImmediate as yieldOnce } from 'node:timers/promises';
import { inject } from 'vitest';
import { ensureTable } from '../../cli/stage/table.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { openTable, type Table } from '../../lib/store/table.ts';
import { IN_PROCESS } from './in-process.ts';
import { ModelEngine } from './table-model/engine.ts';
import { tableInProcess } from './table-model/table-in-process.ts';

export const TEST_CREDENTIALS = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
} as const;

/** Whether this run uses the model of the table, and no test waits for real time. Benchmarks use this support without vitest. */
export const isInProcess = (): boolean =>
  process.env['VITEST'] !== undefined && inject('dynamodbEndpoint') === IN_PROCESS;
const inProcess = new ModelEngine();

/** Where the engine of this run answers. In process it is served to those who need an address: functions, proxies, children. */
export const engineEndpoint = async (): Promise<string> =>
  isInProcess() ? inProcess.endpoint() : inject('dynamodbEndpoint');

/**
 * A table as a function opens it: the SDK's whole client, with its retries, speaks to the engine or to what stands at `endpoint`.
 * The engine's own tables, and those of the model, have the same names there.
 */
export async function throughSdk({ name: tableName }: Table, endpoint?: string): Promise<Table> {
  return openTable({ tableName, stage: 'test', dynamodbEndpoint: endpoint ?? (await engineEndpoint()) });
}

/** How to open one and the same table once more, with a client of its own. */
const reopening = new WeakMap<Table, () => Table>();

/** A table of its own for a test file: the model of the table, or one on the engine of this run. */
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

/** Another client of a table that `openTestTable` opened; what is added to one client does not touch the other. */
export function anotherClientOf(table: Table): Table {
  const open = reopening.get(table);
  if (open === undefined) throw new Error('openTestTable did not open this table');
  return open();
}

/** Without a Stripe, unless one is given: see support/stripe.ts. */
export function testDeps(table: Table, overrides: Partial<PaymentDeps> = {}): PaymentDeps {
  return {
    stage: 'test',
    table,
    now: () => new Date(),
    random: Math.random,
    randomBytes,
    // What it waits for in process has happened as soon as the others had their turn.
    sleep: (ms) => (isInProcess() ? yieldOnce() : sleep(ms)),
    report: () => {},
    stripe: () => Promise.reject(new Error('this test has no Stripe')),
    ...overrides,
  };
}

/** Names of the DynamoDB calls sent while `work` runs; on an engine, counted where the SDK puts them on the wire. */
export async function countingCalls<T>(
  table: Table,
  work: () => Promise<T>,
): Promise<{ result: T; calls: string[] }> {
  const calls: string[] = [];
  const note = (command: string | undefined) => calls.push(String(command).replace(/Command$/, ''));
  const name = `count-${randomBytes(4).toString('hex')}`;
  const { middlewareStack } = table.client;
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
    table.client.middlewareStack.remove(name);
  }
}

/** How many calls of a kind were answered, rather than refused, while `work` ran. */
export async function countingDone(
  table: Table,
  kind: string,
  work: () => Promise<unknown>,
): Promise<number> {
  let done = 0;
  const name = `done-${randomBytes(4).toString('hex')}`;
  table.client.middlewareStack.add(
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
    table.client.middlewareStack.remove(name);
  }
}

/** Runs `work` as in a process that dies after so many calls of a kind: nothing that it sends later arrives. */
export async function dyingAfter(
  table: Table,
  count: number,
  kind: string,
  work: () => Promise<unknown>,
): Promise<void> {
  let left = count;
  const name = `dying-${randomBytes(4).toString('hex')}`;
  table.client.middlewareStack.add(
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
    table.client.middlewareStack.remove(name);
  }
}
