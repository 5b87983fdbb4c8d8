import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { removeCondition } from './checks/conditions/remove-condition.ts';
import { IN_PROCESS } from './test/support/in-process.ts';

/** Set by `npm run check:conditions` alone. */
const removed = process.env['REMOVE_CONDITION'];

/** `TABLE=engine npm test`, or an engine of one's own: then every test runs on the engine, none on the model of the table. */
const onEngine = process.env['TABLE'] === 'engine' || process.env['DYNAMODB_ENDPOINT'] !== undefined;

/** Always on a real engine: the store, what its calls cost, RSOLV-action's journey, and the model held against the engine. */
const OF_ENGINE = [
  'test/store/**/*.test.ts',
  'test/http/{budgets,rights,rsolv-action}.test.ts',
  'checks/simulation/model.test.ts',
];

/** The short tests of checks/. The long ones run with checks/vitest.config.ts. */
const OF_CHECKS = ['checks/{bench,simulation}/**/*.test.ts', 'checks/fuzz/found.test.ts'];

/** Tests of whole stacks and commands, in processes of their own: one of them keeps a small machine busy. */
const OF_PROCESSES = ['test/{cli,local}/**/*.test.ts'];

const engine = { globalSetup: ['test/support/global-setup.ts'] };
const model = { provide: { dynamodbEndpoint: IN_PROCESS } };

export default defineConfig({
  plugins: removed === undefined ? [] : [removeCondition(removed)],
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'model',
          include: ['test/**/*.test.ts', ...OF_CHECKS],
          exclude: [...configDefaults.exclude, ...OF_ENGINE, ...OF_PROCESSES],
          sequence: { groupOrder: 0 },
          setupFiles: ['test/support/shifted-date.ts'],
          ...(onEngine ? engine : model),
        },
      },
      {
        extends: true,
        test: { name: 'engine', include: OF_ENGINE, sequence: { groupOrder: 0 }, ...engine },
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: OF_PROCESSES,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          ...engine,
        },
      },
    ],
    // Half of their time the workers wait for sockets.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // The cache does not know which condition was removed.
    fsModuleCache: removed === undefined,
    // On a busy machine a test may wait for its turn; none is timed.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    env: {
      POWERTOOLS_SERVICE_NAME: 'rsolv-billing',
      POWERTOOLS_METRICS_NAMESPACE: 'RSOLV/Billing',
      // Through the console, where a test can read what was logged.
      POWERTOOLS_DEV: 'true',
      POWERTOOLS_METRICS_DISABLED: 'false',
    },
    // The functions' own lines; a failing test prints what it looked at.
    onConsoleLog: (log) => !log.includes('rsolv-billing'),
  },
});
