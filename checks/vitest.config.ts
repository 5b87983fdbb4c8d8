import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import rootConfig from '../vitest.config.ts';

/*
 * The deeper checks that are vitest tests, on a real engine. `vitest run --config checks/vitest.config.ts
 * checks/crash` runs one folder. `npm test` also runs the short ones: see its include lists.
 */

/** Whole stacks and programs that use them run one at a time. */
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
          exclude: [...configDefaults.exclude, ...OF_STACKS],
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
    // These tests run hundreds of processes in sequence, and measure no time.
    testTimeout: 1_200_000,
    hookTimeout: 60_000,
    env,
    ...(onConsoleLog !== undefined && { onConsoleLog }),
  },
});
