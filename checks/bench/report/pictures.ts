import { crowdBudgets, MAX_START_UP_RATIO } from '../budgets.ts';
import type { Series } from '../counted/results.ts';
import type { Results } from '../measure.ts';
import { barChart } from '../plot/bar-chart.ts';
import { lineChart } from '../plot/line-chart.ts';

/** The report's pictures as SVG, by name. */
export function picturesOf({ hotCustomer, counted, startUp }: Results): Map<string, string> {
  const ofHistory = counted.growth.filter(({ against }) => against === 'entries of history');
  const ofCustomers = counted.growth.filter(({ against }) => against !== 'entries of history');
  return new Map([
    [
      'hot-customer',
      lineChart({
        title: 'A hot customer: the cost of a fix when many are billed at once',
        x: 'fixes at once, for one customer',
        y: 'transactions per fix',
        isYLogarithmic: false,
        lines: [
          {
            name: 'transactions per fix, and as many reads',
            dots: hotCustomer.map(({ fixes, transactionsPerFix }) => ({ x: fixes, y: transactionsPerFix })),
          },
        ],
        limits: [...crowdBudgets].map(([x, y]) => ({ x, y })),
      }),
    ],
    [
      'growth-history',
      lineChart({
        title: 'Growth with the length of the history: flat',
        x: 'entries of history',
        y: 'units of DynamoDB per call',
        isYLogarithmic: false,
        lines: ofHistory.map(unitsLine),
      }),
    ],
    [
      'growth-customers',
      lineChart({
        title: 'Growth with customers: flat for calls about one customer, linear for runs over all',
        x: 'customers, or customers with a low balance',
        y: 'units of DynamoDB',
        isYLogarithmic: true,
        lines: ofCustomers.map((series) => {
          return { ...unitsLine(series), name: `${series.what}, against ${series.against}` };
        }),
      }),
    ],
    [
      'start-up',
      barChart({
        title: 'Start-up of each bundled function against its DynamoDB client alone',
        x: 'times as long',
        bars: startUp
          .filter(({ baseline }) => baseline === 'DynamoDB client')
          .map(({ name, ratio }) => ({ name, value: ratio }))
          .toSorted((a, b) => b.value - a.value),
        limit: MAX_START_UP_RATIO,
      }),
    ],
  ]);
}

const unitsLine = ({ what, points }: Series) => ({
  name: what,
  dots: points.map(({ count, units }) => ({ x: count, y: units })),
});
