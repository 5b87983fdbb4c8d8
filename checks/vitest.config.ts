import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import rootConfig from '../vitest.config.ts';

/*
 * The deeper checks that are vitest tests, on a real engine: `vitest run --config checks/vitest.config.ts checks/crash` runs one
 * folder of them. The short ones run with `npm test` too; see the include lists there.
 */

/** Whole stacks and what is sent to them: one at a time. */
const OF_STACKS = ['checks/{load,stack}/**/*.test.ts'];

const { env = {}, onConsoleLog } = rootConfig.test ?? {};

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'engine',
          include: ['checks/**/*.test.ts'],
          exclude: OF_STACKS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'stacks', include: OF_STACKS, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
    globalSetup: ['test/support/global-setup.ts'],
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Hundreds of processes, one after the other: none is timed.
    testTimeout: 1_200_000,
    hookTimeout: 60_000,
    env,
    ...(onConsoleLog !== undefined && { onConsoleLog }),
  },
});
