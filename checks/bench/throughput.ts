import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  DynamoDBClient,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb';
import { decideFixBilling } from '../../lib/domain/fix-billing.ts';
import { post } from '../../lib/domain/ledger.ts';
import type { Handler } from '../../lib/http/handler.ts';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { withStripe } from '../../lib/runtime/connect-stripe.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { parseConfig } from '../../lib/settings/environment.ts';
import { keys } from '../../lib/store/keys.ts';
import { openTable, type Table } from '../../lib/store/table.ts';
import { range } from '../../test/support/fixtures.ts';
import { type BundlePlan, bundle, readBundlePlan } from '../budgets/bundle-functions.ts';
import { assertAllBilled, type BenchCustomer, customerWithFixes } from './customers.ts';
import { earlierPlan } from './earlier/bundle.ts';
import type { Effort } from './effort.ts';
import { succeed } from './requests.ts';
import { cacheFolder, type Setting, withoutOutput } from './setting.ts';
import { median } from './statistics.ts';

/** Concurrent customers, each with one fix at a time, so no two requests contend for an item. */
const CUSTOMERS_AT_ONCE = 8;
const FIXES_PER_CUSTOMER = 20;
/** The first rounds warm up the code of all contestants and are not counted. */
const WARM_UP_ROUNDS = 3;

const CONTESTANTS = ['handler', 'earlier handler', 'transactions', 'reads and transactions'] as const;
export type Contestant = (typeof CONTESTANTS)[number];
export type Other = Exclude<Contestant, 'handler'>;

export interface Throughput {
  readonly customersAtOnce: number;
  readonly rounds: number;
  /** Medians over the rounds. */
  readonly fixesPerSecond: Readonly<Record<Contestant, number>>;
  /** The handler's rate relative to the others in the same round. Medians. */
  readonly handlerAgainst: Readonly<Record<Other, number>>;
  /** The handler's CPU time per fix relative to that of its earlier self in the same round. The median. */
  readonly cpuAgainstEarlier: number;
  /** CPU time of this process per fix. Medians. The engine is another process. */
  readonly cpuMsPerFix: Readonly<Record<Contestant, number>>;
}

/** Serves one customer, one fix at a time. */
type Lane = () => Promise<void>;

/**
 * Bills distinct fixes through the bundled handler, through its earlier self (earlier/bundle.ts), and with
 * bare DynamoDB calls for the same items on the same engine. The contestants take turns within each round, so other load affects all of them equally. So does
 * the engine: in each transaction Dynoxide scans the idempotency tokens of the last ten minutes, and gets
 * slower each round.
 */
export async function measureThroughput(
  { deps, endpoint }: Setting,
  { throughputRounds: rounds }: Pick<Effort, 'throughputRounds'>,
  progress: (what: string) => void,
): Promise<Throughput> {
  progress('throughput, bundling');
  const folder = mkdtempSync(join(cacheFolder(), 'throughput-'));
  const plan = readBundlePlan();
  const handler = await bundledHandler(plan, join(folder, 'now'));
  const earlier = await bundledHandler(earlierPlan(plan), join(folder, 'earlier'));
  rmSync(folder, { recursive: true });
  const client = new DynamoDBClient({ endpoint });
  const through =
    (handler: Handler) =>
    async ({ apiKey, fixes }: BenchCustomer) =>
    async () => {
      for (const { id } of fixes) await succeed(handler, { apiKey, params: { id } });
    };
  const laneOf: Record<Contestant, (customer: BenchCustomer) => Promise<Lane>> = {
    handler: through(handler),
    'earlier handler': through(earlier),
    transactions: async (customer) => {
      const transactions = await billingTransactions(deps, customer);
      return async () => {
        for (const write of transactions) await client.send(new TransactWriteItemsCommand(write));
      };
    },
    'reads and transactions': async (customer) => {
      const transactions = await billingTransactions(deps, customer);
      const reads = billingReads(deps.table.name, customer);
      return async () => {
        for (const [i, read] of reads.entries()) {
          await client.send(new BatchGetItemCommand(read));
          await client.send(new TransactWriteItemsCommand(transactions[i] ?? { TransactItems: [] }));
        }
      };
    },
  };

  const taken: Record<Contestant, Taken[]> = {
    handler: [],
    'earlier handler': [],
    transactions: [],
    'reads and transactions': [],
  };
  for (const round of range(1, WARM_UP_ROUNDS + rounds)) {
    progress(`throughput, round ${round} of ${WARM_UP_ROUNDS + rounds}`);
    for (const contestant of inTurn(round)) {
      const customers = await Promise.all(
        range(1, CUSTOMERS_AT_ONCE).map(() => customerWithFixes(deps, FIXES_PER_CUSTOMER)),
      );
      const lanes = await Promise.all(customers.map(laneOf[contestant]));
      const run = await withoutOutput(() => timed(lanes));
      for (const customer of customers) await assertAllBilled(deps, customer);
      if (round > WARM_UP_ROUNDS) taken[contestant].push(run);
    }
  }
  client.destroy();
  const fixes = CUSTOMERS_AT_ONCE * FIXES_PER_CUSTOMER;
  const medianOf = (of: (run: Taken) => number): Record<Contestant, number> => ({
    handler: median(taken.handler.map(of)),
    'earlier handler': median(taken['earlier handler'].map(of)),
    transactions: median(taken.transactions.map(of)),
    'reads and transactions': median(taken['reads and transactions'].map(of)),
  });
  const ratioTo = (other: Other, of: (run: Taken) => number) =>
    median(
      taken.handler.map((run, round) => {
        const same = taken[other][round];
        return same === undefined ? Number.NaN : of(run) / of(same);
      }),
    );
  const rate = ({ seconds }: Taken) => fixes / seconds;
  const cpu = ({ cpuMs }: Taken) => cpuMs / fixes;
  return {
    customersAtOnce: CUSTOMERS_AT_ONCE,
    rounds,
    fixesPerSecond: medianOf(rate),
    handlerAgainst: {
      'earlier handler': ratioTo('earlier handler', rate),
      transactions: ratioTo('transactions', rate),
      'reads and transactions': ratioTo('reads and transactions', rate),
    },
    cpuAgainstEarlier: ratioTo('earlier handler', cpu),
    cpuMsPerFix: medianOf(cpu),
  };
}

/** The deployed form of the function. It reads its settings from this process at its first call. */
async function bundledHandler(plan: BundlePlan, folder: string): Promise<Handler> {
  const { file } = await bundle(plan, 'functions/bill-fix-attempt.ts', { folder });
  const { handler }: { readonly handler: Handler } = await import(pathToFileURL(file).href);
  return handler;
}

/** Each round starts with a different contestant. */
function inTurn(round: number): readonly Contestant[] {
  const first = round % CONTESTANTS.length;
  return [...CONTESTANTS.slice(first), ...CONTESTANTS.slice(0, first)];
}

interface Taken {
  readonly seconds: number;
  readonly cpuMs: number;
}

async function timed(lanes: readonly Lane[]): Promise<Taken> {
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  await Promise.all(lanes.map((run) => run()));
  const { user, system } = process.cpuUsage(cpuBefore);
  return { seconds: (performance.now() - startedMs) / 1_000, cpuMs: (user + system) / 1_000 };
}

/** For each fix, the handler's read: the key, the head and the fix. */
function billingReads(
  tableName: string,
  { head: { customerId }, keyId, fixes }: BenchCustomer,
): BatchGetItemCommandInput[] {
  return fixes.map(({ id }) => {
    const wanted = [keys.apiKey(customerId, keyId), keys.head(customerId), keys.fix(customerId, id)];
    const Keys = wanted.map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }));
    return { RequestItems: { [tableName]: { Keys, ConsistentRead: true } } };
  });
}

/** The transactions that bill the customer's fixes in turn, as the store would send them. Sends none. */
async function billingTransactions(
  deps: Deps,
  customer: BenchCustomer,
): Promise<TransactWriteItemsCommandInput[]> {
  const inputs: TransactWriteItemsCommandInput[] = [];
  const table = tableThatNotes(inputs);
  let { head } = customer;
  for (const fix of customer.fixes) {
    const at = deps.now();
    const decision = decideFixBilling(head, fix, at);
    if (decision.kind !== 'consume') throw new Error(`the decision is ${decision.kind} instead of a credit`);
    await billFixAttempt(withStripe({ ...deps, table, now: () => at }), head.customerId, fix.id, {
      head,
      related: fix,
    });
    head = { ...head, ...post(head, [decision.posting], at).state };
  }
  return inputs;
}

/** A table that records transactions instead of sending them. */
function tableThatNotes(inputs: TransactWriteItemsCommandInput[]): Table {
  const table = openTable(parseConfig(process.env));
  table.client.middlewareStack.add(
    () =>
      async ({ input }) => {
        if (!('TransactItems' in input && 'ClientRequestToken' in input))
          throw new Error('only transactions are sent here');
        inputs.push({ TransactItems: input.TransactItems });
        return { output: { $metadata: {} }, response: undefined };
      },
    { step: 'initialize', name: 'note' },
  );
  return table;
}
