import { randomBytes } from 'node:crypto';
import { askAt } from '../../lib/operations/probe/ask.ts';
import { type Memory, memoryInParameter } from '../../lib/operations/probe/memory.ts';
import { type ProbeDeps, type Probed, probe } from '../../lib/operations/probe/probe.ts';
import { callFunction } from '../../lib/operators/call-function.ts';
import { removeTestCustomerContract } from '../../lib/operators/contracts.ts';
import type { BusinessEvent } from '../../lib/runtime/business-events.ts';
import type { Item, Table } from '../../lib/store/table.ts';
import { startApiServer } from './cli/api-server.ts';
import { PREFIX } from './cli/functions.ts';
import { contentsOf, keyOf } from './contents.ts';
import { heard } from './counted.ts';
import { serveMoney } from './http-money.ts';
import { type ParameterStore, startParameterStore } from './parameter-store.ts';

export const PARAMETER = '/rsolv-billing/test/probe';
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const SIGN_UP = 'POST /api/v1/customers/onboard';
export const RECORD = 'POST /api/v1/fix-attempts';
export const BILL = 'POST /api/v1/fix-attempts/:id/billing';

/** The running service, and the probe beside it: it asks over HTTP, and uses AWS's API for the rest. */
export interface ProbedStage {
  readonly url: string;
  readonly table: Table;
  readonly store: ParameterStore;
  readonly deps: ProbeDeps;
  /** The release under test: answers a call in place of the service, if it returns a response. */
  release: (call: string) => Promise<unknown>;
  nowMs: number;
  /** What the last run reported. */
  reported: BusinessEvent[];
  /** A run of the probe, and the calls that it made. */
  run(more?: Partial<ProbeDeps>): Promise<Probed & { readonly calls: readonly string[] }>;
  memory(): Promise<Memory>;
  /** The customers of the stage. */
  customers(): Promise<Item[]>;
  /** Deletes the parameter, and the customer whose address only the parameter has. */
  forget(): Promise<void>;
  /** Ends the effects of the test before: days later, nothing is left to remove. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** Sets the environment too, so that `functions/probe.ts` runs on the same stage. */
export async function startProbedStage(): Promise<ProbedStage> {
  const { money, stop } = await serveMoney();
  const store = await startParameterStore();
  const calls: string[] = [];
  const server = await startApiServer((call) => {
    calls.push(call);
    return stage.release(call);
  });
  Object.assign(process.env, {
    API_URL: server.url,
    AWS_ENDPOINT_URL_SSM: store.url,
    AWS_ENDPOINT_URL_LAMBDA: server.url,
    PROBE_PARAMETER: PARAMETER,
    FUNCTION_PREFIX: PREFIX,
  });
  const { table } = money.deps;
  const deps: ProbeDeps = {
    stage: String(process.env['STAGE']),
    ask: askAt(server.url),
    memory: memoryInParameter(process.env),
    removeCustomer: async (email) => {
      const contract = removeTestCustomerContract;
      const call = { contract, input: { email, actor: 'probe' }, timeoutMs: 10_000 };
      return (await callFunction(process.env, call)).state;
    },
    now: () => new Date(stage.nowMs),
    randomBytes,
    report: (event) => void stage.reported.push(event),
  };
  const stage: ProbedStage = {
    url: server.url,
    table,
    store,
    deps,
    release: async () => {},
    nowMs: Date.now(),
    reported: [],
    async run(more = {}) {
      calls.length = 0;
      stage.reported = [];
      const { result } = await heard(() => probe({ ...deps, ...more }));
      return { ...result, calls: [...calls] };
    },
    memory: () => deps.memory.read(),
    customers: async () => (await contentsOf(table)).filter((item) => keyOf(item).startsWith('EMAIL#')),
    async forget() {
      await deps.removeCustomer(String((await stage.memory()).customer?.email));
      store.values.clear();
    },
    async settle() {
      stage.release = async () => {};
      stage.nowMs += 3 * 24 * HOUR;
      do {
        await stage.run();
        stage.nowMs += 6 * MINUTE;
      } while ((await stage.memory()).leaving.length > 0);
    },
    async stop() {
      await server.stop();
      store.stop();
      await stop();
    },
  };
  return stage;
}

/** A release that gives these calls this answer. */
export const answering =
  (status: number, code: string, ...only: readonly string[]) =>
  async (call: string): Promise<unknown> =>
    only.includes(call) ? Response.json({ status, code }, { status }) : undefined;
