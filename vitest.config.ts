import { defineConfig } from 'vitest/config';
import { removeCondition } from './test/conditions/remove-condition.ts';

/** Set by `npm run test:conditions` alone. */
const removed = process.env['REMOVE_CONDITION'];

export default defineConfig({
  plugins: removed === undefined ? [] : [removeCondition(removed)],
  test: {
    include: ['test/**/*.test.ts'],
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
