import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { showProgress } from '../../local/progress.ts';
import { errorCode, reasonOf, SetupError } from '../../local/setup-error.ts';
import { type Calls, countCalls } from './calls.ts';
import { type Crowd, measureHotCustomer } from './hot-customer.ts';
import { openSetting } from './setting.ts';
import { measureStartUp, type StartUp } from './start-up.ts';
import { textTable } from './text-table.ts';
import { measureThroughput, type Throughput } from './throughput.ts';

/*
 * `npm run bench`: what the service costs in time and in calls, measured in one run, against its budgets. A counted budget
 * that is missed fails the run. A timed one depends on what else the machine does, so it is printed and fails only
 * with `--strict`.
 */

const MIN_THROUGHPUT_RATIO = 0.8;
const MAX_TRANSACTIONS_PER_FIX: ReadonlyMap<number, number> = new Map([
  [10, 3],
  [100, 6],
]);
const MAX_CALLS = 2;
const MAX_START_UP_RATIO = 1.3;

interface Results {
  readonly machine: {
    readonly cpus: number;
    readonly model: string;
    readonly node: string;
    readonly engine: string;
  };
  readonly throughput: Throughput;
  readonly hotCustomer: readonly Crowd[];
  readonly calls: readonly Calls[];
  readonly startUp: readonly StartUp[];
  readonly seconds: number;
}

interface Budget {
  readonly what: string;
  readonly measured: number;
  readonly limit: number;
  readonly bound: 'at least' | 'at most';
  readonly timed: boolean;
}

async function measure(): Promise<Results> {
  const startedMs = performance.now();
  const progress = showProgress(process.stderr);
  try {
    progress.step('starting the engine');
    const setting = await openSetting();
    try {
      const throughput = await measureThroughput(setting, progress.step);
      const hotCustomer = await measureHotCustomer(setting, progress.step);
      const calls = await countCalls(setting, progress.step);
      const startUp = await measureStartUp(progress.step);
      const machine = {
        cpus: availableParallelism(),
        model: cpus()[0]?.model ?? 'unknown',
        node: process.version,
        engine: setting.engine,
      };
      return {
        machine,
        throughput,
        hotCustomer,
        calls,
        startUp,
        seconds: (performance.now() - startedMs) / 1_000,
      };
    } finally {
      await setting.stop();
    }
  } finally {
    progress.end();
  }
}

function budgetsOf({ throughput, hotCustomer, calls, startUp }: Results): Budget[] {
  const { handler, 'reads and transactions': bareCalls } = throughput.fixesPerSecond;
  return [
    {
      // The handler has to read before it writes; against transactions alone not even the bare read would be let in.
      what: 'handler against its bare read and transaction',
      measured: handler / bareCalls,
      limit: MIN_THROUGHPUT_RATIO,
      bound: 'at least',
      timed: true,
    },
    ...hotCustomer.flatMap(({ fixes, transactionsPerFix }): Budget[] => {
      const limit = MAX_TRANSACTIONS_PER_FIX.get(fixes);
      if (limit === undefined) return [];
      const what = `transactions a fix with ${fixes} at once`;
      return [{ what, measured: transactionsPerFix, limit, bound: 'at most', timed: false }];
    }),
    ...calls.map(({ what, requests }): Budget => {
      return {
        what: `DynamoDB calls: ${what}`,
        measured: requests.length,
        limit: MAX_CALLS,
        bound: 'at most',
        timed: false,
      };
    }),
    ...startUp
      .filter(({ baseline }) => baseline === 'DynamoDB client')
      .map(({ name, ratio }): Budget => {
        const what = `start-up of ${name} against its DynamoDB client`;
        return { what, measured: ratio, limit: MAX_START_UP_RATIO, bound: 'at most', timed: true };
      }),
  ];
}

const isKept = ({ measured, limit, bound }: Budget) =>
  bound === 'at least' ? measured >= limit : measured <= limit;

function page(results: Results, budgets: readonly Budget[]): string {
  const { machine, throughput, hotCustomer, calls, startUp, seconds } = results;
  const { handler, ...bare } = throughput.fixesPerSecond;
  return [
    `${machine.cpus} CPUs (${machine.model}), Node ${machine.node}, ${machine.engine}; ${seconds.toFixed(0)} s`,
    `Throughput: ${throughput.customersAtOnce} customers at once, medians of ${throughput.rounds} rounds`,
    textTable(
      ['contestant', 'fixes/s', 'handler against it'],
      [
        ['handler', handler.toFixed(0), ''],
        ...Object.entries(bare).map(([name, rate]) => [
          `bare ${name}`,
          rate.toFixed(0),
          (handler / rate).toFixed(2),
        ]),
      ],
    ),
    'Hot customer: fixes at once for one customer; all billed, the ledger exact',
    textTable(
      ['fixes', 'repetitions', 'transactions/fix', 'reads/fix', 'ms for all'],
      hotCustomer.map((crowd) => [
        `${crowd.fixes}`,
        `${crowd.repetitions}`,
        crowd.transactionsPerFix.toFixed(2),
        crowd.readsPerFix.toFixed(2),
        crowd.milliseconds.toFixed(0),
      ]),
    ),
    'DynamoDB calls',
    textTable(
      ['call', 'requests'],
      calls.map(({ what, requests }) => [what, requests.join(' + ')]),
    ),
    'Start-up: milliseconds from the start of the process, medians',
    textTable(
      ['function', 'loaded', 'first answer', 'baseline', 'ms', 'loaded / baseline'],
      startUp.map((one) => [
        one.name,
        one.loadedMs.toFixed(0),
        one.answeredMs.toFixed(0),
        one.baseline,
        one.baselineMs.toFixed(0),
        one.ratio.toFixed(2),
      ]),
    ),
    'Budgets',
    textTable(
      ['what', 'measured', 'budget', 'result'],
      budgets.map((budget) => [
        budget.what,
        budget.measured.toFixed(2),
        `${budget.bound} ${budget.limit}`,
        isKept(budget) ? 'kept' : 'MISSED',
      ]),
    ),
  ].join('\n\n');
}

try {
  const { values } = parseArgs({
    options: { json: { type: 'boolean', default: false }, strict: { type: 'boolean', default: false } },
  });
  const results = await measure();
  const budgets = budgetsOf(results);
  const judged = budgets.map((budget) => ({ ...budget, kept: isKept(budget) }));
  console.log(
    values.json ? JSON.stringify({ ...results, budgets: judged }, null, 2) : page(results, budgets),
  );
  process.exitCode = judged.every(({ kept, timed }) => kept || (timed && !values.strict)) ? 0 : 1;
} catch (error) {
  const isForeseen = error instanceof SetupError || errorCode(error)?.startsWith('ERR_PARSE_ARGS');
  if (!isForeseen) throw error;
  console.error(reasonOf(error));
  process.exitCode = 1;
}
