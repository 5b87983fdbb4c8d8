import { setImmediate } from 'node:timers/promises';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { expect } from 'vitest';
import * as z from 'zod/mini';
import { Invoker } from '../../../cli/stage/invoke.ts';
import type { Stage } from '../../../cli/stage/stage.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import type { Key } from '../../../lib/store/keys.ts';
import type { Table } from '../../../lib/store/table.ts';
import { documents } from '../documents.ts';
import { type Money, openMoney } from '../money.ts';
import { TEST_CREDENTIALS } from '../table.ts';
import { TableModel } from '../table-model/model.ts';
import { tableInProcess } from '../table-model/table-in-process.ts';
import { functionsInProcess, PREFIX } from './functions.ts';
import { startFunctionsWith } from './runtime.ts';
import { type Ended, runInShell, type ShellOptions } from './shell.ts';

/**
 * The service in this process: table, functions and Stripe stand-in. The command line uses it as the local
 * stage.
 */
export interface Service {
  readonly table: Table;
  readonly money: Money;
  readonly deps: PaymentDeps;
  readonly openStage: () => Stage;
  /** Advances the clock of the service and the command line. */
  elapse(ms: number): void;
  /** Replaces the sleeping of the command line. */
  onSleep(replacement: () => Promise<unknown>): void;
  run(...args: readonly string[]): Promise<Ended>;
  runIn(options: ShellOptions, ...args: readonly string[]): Promise<Ended>;
  /** Runs with --json. Checks that the answer is one JSON document that names the stage. */
  json(
    ...args: readonly string[]
  ): Promise<{ readonly code: number; readonly answer: Record<string, unknown> }>;
  /** Runs in a pipe. Checks that the stage comes first and that no terminal codes are written. */
  lines(...args: readonly string[]): Promise<{ readonly code: number; readonly shown: string[] }>;
  /** Runs a command that fails. Returns the exit code and the error code. */
  refusal(...args: readonly string[]): Promise<[number, string]>;
  setByHand(key: Key, attribute: string, value: unknown): Promise<unknown>;
  stop(): Promise<unknown>;
}

const Refused = z.object({
  stage: z.optional(z.string()),
  error: z.object({ code: z.string(), detail: z.string() }),
});

/** For a test file that replaces lib/runtime/start.ts with support/cli/runtime.ts. */
export async function openService(): Promise<Service> {
  Object.assign(process.env, TEST_CREDENTIALS);
  const table = tableInProcess({ name: 'rsolv-billing-dev', model: new TableModel() });
  let aheadMs = 0;
  let sleep: () => Promise<unknown> = async () => {};
  const stops: (() => Promise<void>)[] = [];
  const money = await openMoney(table, {
    endWith: (stop) => stops.push(stop),
    overrides: {
      now: () => new Date(Date.now() + aheadMs),
      sleep: async () => {
        await sleep();
      },
    },
  });
  const { deps } = money;
  Object.assign(process.env, money.env, { STAGE: 'dev' });
  // A retry after a conflict only yields to the other function instead of waiting.
  startFunctionsWith({ ...deps, stage: 'dev', sleep: () => setImmediate() });

  const openStage = (): Stage => ({
    name: 'local',
    local: {
      url: 'http://127.0.0.1:9',
      endpoint: 'http://127.0.0.1:9',
      lambdaEndpoint: 'http://127.0.0.1:9',
      stripe: {
        secretKey: money.env['STRIPE_SECRET_KEY'] ?? '',
        apiBase: money.running.url,
        proPriceId: money.priceId,
        webhookSecrets: [],
      },
    },
    deps,
    functions: new Invoker(PREFIX, functionsInProcess),
    explain: (failure) => failure,
    close: () => {},
  });
  const runIn = (options: ShellOptions, ...args: readonly string[]) =>
    runInShell(args, { openStage, ...options });
  const run = (...args: readonly string[]) => runIn({}, ...args);
  const json = async (...args: readonly string[]) => {
    const { code, stdout } = await run(...args, '--json');
    const { stage, ...answer } = z.record(z.string(), z.unknown()).parse(JSON.parse(stdout));
    expect(stage).toBe('local');
    return { code, answer };
  };
  return {
    table,
    money,
    deps,
    openStage,
    elapse: (ms) => {
      aheadMs += ms;
    },
    onSleep: (replacement) => {
      sleep = replacement;
    },
    run,
    runIn,
    json,
    lines: async (...args) => {
      const { code, stdout, stderr } = await run(...args);
      expect(stderr).not.toContain('error');
      expect(stdout).not.toContain('\u001b');
      const [stage, ...shown] = stdout.trimEnd().split('\n');
      expect(stage).toBe('stage local');
      return { code, shown };
    },
    refusal: async (...args) => {
      const { code, stdout } = await run(...args, '--json');
      return [code, Refused.parse(JSON.parse(stdout)).error.code];
    },
    setByHand: ({ pk, sk }, attribute, value) =>
      documents(table).send(
        new UpdateCommand({
          TableName: table.name,
          Key: { pk, sk },
          UpdateExpression: 'SET #a = :v',
          ExpressionAttributeNames: { '#a': attribute },
          ExpressionAttributeValues: { ':v': value },
        }),
      ),
    stop: () => Promise.all(stops.map((stop) => stop())),
  };
}
