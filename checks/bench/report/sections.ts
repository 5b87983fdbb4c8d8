import { type Budget, budgetsOf, growthsOf, isKept } from '../budgets.ts';
import type { Results } from '../measure.ts';
import { costSections } from './cost-sections.ts';
import { paragraph, type Section } from './section.ts';

export function sectionsOf(results: Results): Section[] {
  const [units, dollars] = costSections(results.counted.calls);
  return [
    budgetSection(results),
    throughputSection(results),
    ...sideBySideSections(results),
    hotCustomerSection(results),
    units,
    dollars,
    growthSection(results),
    startUpSection(results),
    profileSection(results),
  ];
}

function budgetSection(results: Results): Section {
  return {
    title: 'Budgets',
    says: [
      paragraph(
        'Each budget is a ratio within one run, or a count.',
        'Timed budgets depend on the machine, so a missed one fails a run only with `--strict`.',
        'Of the start-ups and first answers, the table shows the slowest and all that miss their budget.',
        'The earlier client is the SDK as it comes: its document client, its own HTTP and Powertools.',
        '`checks/bench/earlier` keeps those modules, so both versions run in one run.',
      ),
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

/** Budgets with a row for each function: too many to show. */
const PER_FUNCTION: ReadonlySet<Budget['of']> = new Set(['start-up', 'first answer']);

function shown(budgets: readonly Budget[]): Budget[] {
  const perFunction = [...PER_FUNCTION].flatMap((of) =>
    budgets
      .filter((budget) => budget.of === of)
      .toSorted((a, b) => b.measured - a.measured)
      .filter((budget, i) => i === 0 || !isKept(budget)),
  );
  return [...budgets.filter(({ of }) => !PER_FUNCTION.has(of)), ...perFunction];
}

function throughputSection({ throughput }: Results): Section {
  const { customersAtOnce, rounds, fixesPerSecond, handlerAgainst, cpuMsPerFix } = throughput;
  const row = (name: keyof typeof handlerAgainst, title: string) => [
    title,
    fixesPerSecond[name].toFixed(0),
    handlerAgainst[name].toFixed(2),
    cpuMsPerFix[name].toFixed(2),
  ];
  return {
    title: 'Throughput',
    says: [
      paragraph(
        `The handler bills fixes of ${customersAtOnce} customers at once, the fixes of each customer one ` +
          `after the other.`,
        'In each round, it takes turns with its earlier self, and with bare calls of the SDK as it comes for ' +
          'the same items, on the same engine.',
        `The numbers are medians of ${rounds} rounds, and the ratio is the median of the ratios within a ` +
          `round.`,
        "The processor's time is that of the calling process; the engine is another process.",
      ),
      paragraph(
        `Within a round, a fix takes ${throughput.cpuAgainstEarlier.toFixed(2)} times the processor time that ` +
          'it took with the earlier client (the median).',
        'The handler must read before it writes, so its budget compares it with both bare calls.',
        'Even the two bare calls are much slower than the transaction alone.',
      ),
    ],
    headings: ['variant', 'fixes per second', 'handler against it', 'processor, ms per fix'],
    rows: [
      ['handler', fixesPerSecond.handler.toFixed(0), '', cpuMsPerFix.handler.toFixed(2)],
      row('earlier handler', 'handler with the earlier client'),
      row('transactions', 'bare transactions'),
      row('reads and transactions', 'bare reads and transactions'),
    ],
    pictures: [],
  };
}

function sideBySideSections({ sideBySide }: Results): Section[] {
  const title = 'Beside a plain server';
  if (sideBySide === null) {
    const says = ['Not measured in this run (`--without-postgres`).'];
    return [{ title, says, headings: ['server'], rows: [], pictures: [] }];
  }
  const { ours, plain, rateRatio, cpuRatio } = sideBySide;
  return [
    {
      title,
      says: [
        paragraph(
          `The same debits over HTTP, ${sideBySide.atOnce} at once, each for a customer of its own, on files.`,
          'The plain server is 60 lines of fastify and pg with a guarded update and an insert ' +
            '(`checks/bench/side-by-side/plain-server.mjs`).',
          `Its database is ${sideBySide.postgres}; ours is the engine on a file, behind the bundled function.`,
          `The numbers are medians of ${sideBySide.rounds} rounds in which both take turns.`,
          'The processor is that of the server alone, without its database.',
        ),
        paragraph(
          `Ours makes ${rateRatio.toFixed(2)} times the debits per second of the plain server, and takes ` +
            `${cpuRatio.toFixed(2)} times its processor time.`,
          'Where it loses, we accept that.',
          'A debit is two signed HTTP requests to DynamoDB; for the plain server it is five messages on an ' +
            'open connection.',
          'In exchange there is no database to run: no server to size, patch, fail over or restore, and no ' +
            'connections to count when Lambda starts a hundred instances.',
          'A debit also does more: a chain of hashes, the plan, the charge, the limits, and an answer that a ' +
            'repeat gets again.',
          'The local engine is not DynamoDB, so only the processor time carries over to production.',
        ),
      ],
      headings: ['server', 'debits per second', 'processor, s per 1,000'],
      rows: [
        ['ours', ours.debitsPerSecond.toFixed(0), ours.cpuPerThousand.toFixed(2)],
        ['plain, with PostgreSQL', plain.debitsPerSecond.toFixed(0), plain.cpuPerThousand.toFixed(2)],
      ],
      pictures: [],
    },
  ];
}

function hotCustomerSection({ hotCustomer }: Results): Section {
  return {
    title: 'A hot customer',
    says: [
      paragraph(
        'Many fixes of one customer are billed at the same instant, with one credit for each fix.',
        'The table exists only if every fix succeeded each time, the balance was 0 and the ledger was ' +
          'correct.',
      ),
    ],
    headings: ['fixes at once', 'repetitions', 'transactions per fix', 'reads per fix', 'ms for all'],
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
      paragraph(
        'The table shows calls of DynamoDB and the units they consume, for a growing number of what each ' +
          'line names.',
        'Flat: the exponent of the best-fitting power law is at most 0.1, so a thousandfold costs less ' +
          'than twice as much.',
        'Linear: no point is further than 5% from a straight line.',
        'Counted values must grow as designed, or the run fails.',
        'The time includes the meter that counts, so it has no budget.',
      ),
      paragraph(
        'Usage reads the head and up to eleven entries.',
        'So a history of ten entries costs a little less to read than any longer history.',
      ),
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
      paragraph(
        'The times are medians in milliseconds, from the start of a process.',
        '"Loaded" is when the bundled function is loaded; "first answer" is when it has rejected a first ' +
          'request.',
        'Next to each start, the earlier self of the function starts, and a baseline bundle with only the ' +
          'DynamoDB client as the SDK has it, and the commands that the function uses.',
        'The ratios are medians over the rounds: first answer against earlier self, loaded against baseline.',
        'A function without a table is compared with an empty module and has no budget.',
      ),
    ],
    headings: [
      'function',
      'loaded',
      'first answer',
      'earlier',
      'ratio',
      'of the processor',
      'baseline',
      'ms',
      'loaded against it',
      'of the processor',
    ],
    rows: startUp.map((one) => [
      one.name,
      one.loadedMs.toFixed(0),
      one.answeredMs.toFixed(0),
      one.earlierMs.toFixed(0),
      one.againstEarlier.toFixed(2),
      one.cpuAgainstEarlier.toFixed(2),
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
      paragraph(
        'This is a profile of the process while it bills fixes from credits as fast as it can.',
        'Each sample counts for the part that its innermost function belongs to.',
        'Work that Node does for a library counts for that library.',
        'Waiting for the engine is not included.',
      ),
    ],
    headings: ['part', 'share of its time'],
    rows: profile.map(({ part, share }) => [part, `${(100 * share).toFixed(1)}%`]),
    pictures: [],
  };
}
