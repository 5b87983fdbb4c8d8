import type { Series } from './counted/results.ts';
import { costOfCall, FROM_CREDITS, fixCosts } from './fix-costs.ts';
import type { Results } from './measure.ts';
import { type Growth, growthOf } from './verdict.ts';

/*
 * The budgets: limits of what the benchmark measures. A missed counted budget fails the run. A timed budget
 * depends on the load of the machine, so a missed one fails the run only with `--strict`.
 */

const MIN_THROUGHPUT_RATIO = 0.8;
const MAX_TRANSACTIONS_PER_FIX: ReadonlyMap<number, number> = new Map([
  [10, 3],
  [100, 6],
]);
const MAX_CALLS = 2;
const MAX_WRITE_UNITS = 6;
/** For a million fixes from credits: recorded, looked up, billed, with their logs. */
const MAX_DOLLARS = 15;
export const MAX_START_UP_RATIO = 1.3;
/** Against the same function with the SDK's client as it comes (earlier/bundle.ts). */
export const MAX_AGAINST_EARLIER = 0.8;

export interface Budget {
  readonly of: 'throughput' | 'hot customer' | 'calls' | 'dollars' | 'start-up' | 'first answer' | 'fetch';
  readonly what: string;
  readonly measured: number;
  readonly limit: number;
  readonly bound: 'at least' | 'at most';
  readonly timed: boolean;
}

export const isKept = ({ measured, limit, bound }: Budget): boolean =>
  bound === 'at least' ? measured >= limit : measured <= limit;

export const crowdBudgets = MAX_TRANSACTIONS_PER_FIX;

export function budgetsOf({ counted, throughput, hotCustomer, startUp }: Results): Budget[] {
  const { cost } = costOfCall(counted.calls, 'bill a fix from credits');
  const usage = counted.growth.find(({ what }) => what === 'usage');
  const calls = (what: string, measured: number, limit: number): Budget => {
    return { of: 'calls', what, measured, limit, bound: 'at most', timed: false };
  };
  return [
    {
      // The handler must read before it writes, so the comparison includes the read.
      // Compared with the transactions alone, the bare read would already miss the budget.
      of: 'throughput',
      what: 'throughput of the handler against its bare read and transaction',
      measured: throughput.handlerAgainst['reads and transactions'],
      limit: MIN_THROUGHPUT_RATIO,
      bound: 'at least',
      timed: true,
    },
    {
      of: 'throughput',
      what: 'processor time of a fix against the earlier client',
      measured: throughput.cpuAgainstEarlier,
      limit: MAX_AGAINST_EARLIER,
      bound: 'at most',
      timed: true,
    },
    ...hotCustomer.flatMap(({ fixes, transactionsPerFix }): Budget[] => {
      const limit = MAX_TRANSACTIONS_PER_FIX.get(fixes);
      if (limit === undefined) return [];
      const what = `transactions per fix with ${fixes} at once`;
      const measured = transactionsPerFix;
      return [{ of: 'hot customer', what, measured, limit, bound: 'at most', timed: false }];
    }),
    calls('DynamoDB calls to bill a fix from credits', cost.requests.length, MAX_CALLS),
    calls('write units to bill a fix from credits', cost.writeUnits, MAX_WRITE_UNITS),
    ...(usage?.points ?? []).map((point) =>
      calls(
        `DynamoDB calls for usage after ${point.count.toLocaleString('en')} entries`,
        point.calls,
        MAX_CALLS,
      ),
    ),
    ...fixCosts(counted.calls)
      .filter(({ what }) => what === FROM_CREDITS)
      .map(({ what, table, around, logs }): Budget => {
        const measured = table + around + logs;
        return {
          of: 'dollars',
          what: `dollars for a million fixes ${what}`,
          measured,
          limit: MAX_DOLLARS,
          bound: 'at most',
          timed: false,
        };
      }),
    ...startUp
      .filter(({ baseline }) => baseline === 'DynamoDB client')
      .flatMap(({ name, ratio, againstEarlier }): Budget[] => {
        const common = { of: 'start-up', bound: 'at most', timed: true } as const;
        return [
          {
            ...common,
            what: `start-up of ${name} against its DynamoDB client`,
            measured: ratio,
            limit: MAX_START_UP_RATIO,
          },
          {
            ...common,
            of: 'first answer',
            what: `first answer of ${name} against the earlier client`,
            measured: againstEarlier,
            limit: MAX_AGAINST_EARLIER,
          },
        ];
      }),
    {
      of: 'fetch',
      what: "functions that load Node's fetch",
      measured: startUp.filter(({ loadsFetch }) => loadsFetch).length,
      limit: 0,
      bound: 'at most',
      timed: false,
    },
  ];
}

/** How calls and units of a series grow, and how they should grow. Both are counted, so they must match. */
export function growthsOf({ what, against, designed, points }: Series): {
  readonly what: string;
  readonly designed: Series['designed'];
  readonly calls: Growth;
  readonly units: Growth;
  readonly kept: boolean;
} {
  const calls = growthOf(points.map((point) => ({ count: point.count, value: point.calls })));
  const units = growthOf(points.map((point) => ({ count: point.count, value: point.units })));
  return {
    what: `${what}, against ${against}`,
    designed,
    calls,
    units,
    kept: calls === designed && units === designed,
  };
}
