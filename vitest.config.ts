import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { removeCondition } from './checks/conditions/remove-condition.ts';
import { IN_PROCESS } from './test/support/in-process.ts';

/** Set only by `npm run check:conditions`. */
const removed = process.env['REMOVE_CONDITION'];

/**
 * With `TABLE=engine npm test` or your own engine, every test runs on the engine instead of the table model.
 */
const onEngine = process.env['TABLE'] === 'engine' || process.env['DYNAMODB_ENDPOINT'] !== undefined;

/**
 * Always on a real engine: the store, the cost of its calls, RSOLV-action's journey, and the model's
 * comparison with it.
 */
const OF_ENGINE = [
  'test/store/**/*.test.ts',
  'test/http/{budgets,rights,rsolv-action}.test.ts',
  'checks/simulation/model.test.ts',
];

/**
 * Tests that run the Lambda functions' own files, which read their settings once per process. Each test file
 * loads them again. All other test files share the modules of their worker, which saves a third of the time.
 */
const OF_FUNCTIONS = [
  'test/{http,cli}/**/*.test.ts',
  'test/operations/**/*function.test.ts',
  'checks/fuzz/found.test.ts',
];

/** The short tests of checks/. checks/vitest.config.ts runs the long ones. */
const OF_CHECKS = ['checks/{bench,simulation}/**/*.test.ts', 'checks/fuzz/found.test.ts'];

/** Tests that start whole stacks and commands as processes. */
const OF_PROCESSES = ['test/local/**/*.test.ts', 'test/cli/process.test.ts'];

const engine = { globalSetup: ['test/support/global-setup.ts'] };
const model = { provide: { dynamodbEndpoint: IN_PROCESS } };
const inProcess = {
  setupFiles: ['test/support/shifted-date.ts', 'test/support/short-stacks.ts'],
  ...(onEngine ? engine : model),
};

export default defineConfig({
  plugins: removed === undefined ? [] : [removeCondition(removed)],
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'model',
          include: ['test/**/*.test.ts', ...OF_CHECKS],
          exclude: [...configDefaults.exclude, ...OF_FUNCTIONS, ...OF_ENGINE, ...OF_PROCESSES],
          isolate: false,
          ...inProcess,
        },
      },
      {
        extends: true,
        test: {
          name: 'functions',
          include: OF_FUNCTIONS,
          exclude: [...configDefaults.exclude, ...OF_ENGINE, ...OF_PROCESSES],
          isolate: false,
          ...inProcess,
          setupFiles: [...inProcess.setupFiles, 'test/support/fresh-modules.ts'],
        },
      },
      {
        extends: true,
        test: { name: 'engine', include: OF_ENGINE, ...engine },
      },
      {
        extends: true,
        test: { name: 'processes', include: OF_PROCESSES, isolate: false, ...engine },
      },
    ],
    // Workers spend half of their time waiting for sockets.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // The cache key does not include the removed condition.
    fsModuleCache: removed === undefined,
    // Generous, because a test may wait for its turn on a busy machine. No test measures time.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    env: {
      SERVICE_NAME: 'rsolv-billing',
      METRICS_NAMESPACE: 'RSOLV/Billing',
      // Logs through the console, where a test can read it.
      LOG_TO_CONSOLE: 'true',
      METRICS_DISABLED: 'false',
    },
    // Hides the functions' own log lines. A failing test prints what it checked.
    onConsoleLog: (log) => !log.includes('rsolv-billing'),
  },
});
