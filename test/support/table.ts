import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { ensureTable } from '../../cli/stage/table.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { openTable, type Table } from '../../lib/store/table.ts';
import { IN_PROCESS } from './in-process.ts';

export const TEST_CREDENTIALS = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
} as const;

/** A table of its own for a test file, on the engine of this run. */
export async function openTestTable(): Promise<Table> {
  Object.assign(process.env, TEST_CREDENTIALS);
  if (inject('dynamodbEndpoint') === IN_PROCESS) {
    return (await import('./table-model/table-in-process.ts')).tableInProcess();
  }
  const config = {
    tableName: `test-${randomBytes(6).toString('hex')}`,
    stage: 'test',
    dynamodbEndpoint: inject('dynamodbEndpoint'),
  };
  const table = openTable(config);
  await ensureTable(table.client, config.tableName);
  return table;
}

/** Without a Stripe, unless one is given: see support/stripe.ts. */
export function testDeps(table: Table, overrides: Partial<PaymentDeps> = {}): PaymentDeps {
  return {
    stage: 'test',
    table,
    now: () => new Date(),
    random: Math.random,
    randomBytes,
    sleep: (ms) => sleep(ms),
    report: () => {},
    stripe: () => Promise.reject(new Error('this test has no Stripe')),
    ...overrides,
  };
}

/** Names of the DynamoDB calls sent while `work` runs, counted where the SDK puts them on the wire. */
export async function countingCalls<T>(
  table: Table,
  work: () => Promise<T>,
): Promise<{ result: T; calls: string[] }> {
  const calls: string[] = [];
  const name = `count-${randomBytes(4).toString('hex')}`;
  table.client.middlewareStack.add(
    (next, context) => (args) => {
      calls.push(String(context.commandName).replace(/Command$/, ''));
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low', name },
  );
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
