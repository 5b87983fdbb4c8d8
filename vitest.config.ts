import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { removeCondition } from './checks/conditions/remove-condition.ts';

/** Set by `npm run test:conditions` alone. */
const removed = process.env['REMOVE_CONDITION'];

/** Tests of whole stacks and commands, in processes of their own: one of them keeps a small machine busy. */
const OF_PROCESSES = ['test/{cli,local}/**/*.test.ts', 'checks/{crash,load}/**/*.test.ts'];

export default defineConfig({
  plugins: removed === undefined ? [] : [removeCondition(removed)],
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'in process',
          include: ['{checks,test}/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...OF_PROCESSES],
          // Half of their time they wait for the engine.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'processes', include: OF_PROCESSES, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
    // The cache does not know which condition was removed.
    fsModuleCache: removed === undefined,
    globalSetup: ['test/support/global-setup.ts'],
    // Real engines on a small machine: a test may wait for its turn, none is timed.
    testTimeout: 60_000,
    hookTimeout: 60_000,
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
