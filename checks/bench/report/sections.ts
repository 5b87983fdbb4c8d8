import { type Budget, budgetsOf, growthsOf, isKept } from '../budgets.ts';
import type { Results } from '../measure.ts';
import { costSections } from './cost-sections.ts';
import type { Section } from './section.ts';

export function sectionsOf(results: Results): Section[] {
  const [units, dollars] = costSections(results.counted.calls);
  return [
    budgetSection(results),
    throughputSection(results),
    hotCustomerSection(results),
    units,
    dollars,
    growthSection(results),
    startUpSection(results),
    profileSection(results),
  ];
}

function budgetSection(results: Results): Section {
  const timed = 'Those that are timed depend on the machine, so they fail a run only with `--strict`.';
  return {
    title: 'Budgets',
    says: [
      `Each is a ratio within one run, or a count. ${timed} Of the start-ups, the slowest one and all that miss are shown.`,
    ],
    headings: ['what', 'measured', 'budget', 'kind', 'result'],
    rows: shown(budgetsOf(results)).map((budget) => [
      budget.what,
      budget.measured.toFixed(2),
      `${budget.bound} ${budget.limit}`,
      budget.timed ? 'timed' : 'counted',
      isKept(budget) ? 'kept' : 'MISSED',
    ]),
    pictures: [],
  };
}

function shown(budgets: readonly Budget[]): Budget[] {
  const startUps = budgets.filter((budget) => budget.of === 'start-up');
  const slowest = startUps.toSorted((a, b) => b.measured - a.measured);
  return [
    ...budgets.filter((budget) => budget.of !== 'start-up'),
    ...slowest.filter((budget, i) => i === 0 || !isKept(budget)),
  ];
}

function throughputSection({ throughput }: Results): Section {
  const { customersAtOnce, rounds, fixesPerSecond, handlerAgainst, cpuMsPerFix } = throughput;
  const bareRow = (name: keyof typeof handlerAgainst) => [
    `bare ${name}`,
    fixesPerSecond[name].toFixed(0),
    handlerAgainst[name].toFixed(2),
    cpuMsPerFix[name].toFixed(2),
  ];
  return {
    title: 'Throughput',
    says: [
      `Fixes of ${customersAtOnce} customers at once, one after the other each, billed by the handler, and the bare SDK calls ` +
        `for the very same items on the same engine, in turns; medians of ${rounds} rounds, of the ratio within a round too. The ` +
        "processor's time is that of the process that calls: the engine is another one.",
      'The handler has to read before it writes, so its budget is held against both calls: not even the bare two of them come ' +
        'near the transaction alone.',
    ],
    headings: ['contestant', 'fixes a second', 'handler against it', 'processor, ms a fix'],
    rows: [
      ['handler', fixesPerSecond.handler.toFixed(0), '', cpuMsPerFix.handler.toFixed(2)],
      bareRow('transactions'),
      bareRow('reads and transactions'),
    ],
    pictures: [],
  };
}

function hotCustomerSection({ hotCustomer }: Results): Section {
  return {
    title: 'A hot customer',
    says: [
      'Fixes that are billed at the same instant, all for one customer with a credit for each of them. All of them succeeded, ' +
        'every time, the balance was 0 and the ledger sound; otherwise there would be no table.',
    ],
    headings: ['fixes at once', 'repetitions', 'transactions a fix', 'reads a fix', 'ms for all'],
    rows: hotCustomer.map((crowd) => [
      `${crowd.fixes}`,
      `${crowd.repetitions}`,
      crowd.transactionsPerFix.toFixed(2),
      crowd.readsPerFix.toFixed(2),
      crowd.milliseconds.toFixed(0),
    ]),
    pictures: ['hot-customer'],
  };
}

function growthSection({ counted }: Results): Section {
  return {
    title: 'Growth',
    says: [
      'Calls of DynamoDB and the units they consume, with more and more of what each line names. Flat: the exponent of the power ' +
        'law that fits best is at most 0.1, so a thousandfold costs less than twice as much. Linear: no point is further than 5% ' +
        'from a straight line. What is counted has to grow as it is designed to, or the run fails; the time, taken through the ' +
        'meter that counts, is not judged.',
      'Usage reads the head and up to eleven entries, so a history of ten is a little less to read than any that is longer.',
    ],
    headings: ['what', 'counts', 'calls', 'units', 'ms', 'designed', 'result'],
    rows: counted.growth.map((series) => {
      const { what, designed, calls, units, kept } = growthsOf(series);
      const all = (of: (point: (typeof series.points)[number]) => number) =>
        series.points.map((point) => of(point).toLocaleString('en')).join(' → ');
      return [
        what,
        all(({ count }) => count),
        all((point) => point.calls),
        all((point) => point.units),
        all(({ milliseconds }) => Math.round(milliseconds)),
        designed,
        kept ? 'as designed' : `MISSED: calls ${calls}, units ${units}`,
      ];
    }),
    pictures: ['growth-history', 'growth-customers'],
  };
}

function startUpSection({ startUp }: Results): Section {
  return {
    title: 'Start-up',
    says: [
      'Milliseconds from the start of a process until the bundled function is loaded, and until it has refused a first request; ' +
        'medians. Next to each start is that of a bundle with nothing but the DynamoDB client and the commands the function uses; ' +
        'the ratio is the median over these pairs, and beside it the same of the time it takes of the processor. A function without a table is held against an empty module, without a budget.',
    ],
    headings: ['function', 'loaded', 'first answer', 'against', 'ms', 'ratio', 'of the processor'],
    rows: startUp.map((one) => [
      one.name,
      one.loadedMs.toFixed(0),
      one.answeredMs.toFixed(0),
      one.baseline,
      one.baselineMs.toFixed(0),
      one.ratio.toFixed(2),
      one.cpuRatio.toFixed(2),
    ]),
    pictures: ['start-up'],
  };
}

function profileSection({ profile }: Results): Section {
  return {
    title: 'Where the time of the handler goes',
    says: [
      'A profile of the process that bills fixes from credits as fast as it can, by what the innermost function belongs to; what ' +
        'Node does for a library counts as that library. Waiting for the engine is not in it.',
    ],
    headings: ['part', 'share of its time'],
    rows: profile.map(({ part, share }) => [part, `${(100 * share).toFixed(1)}%`]),
    pictures: [],
  };
}
