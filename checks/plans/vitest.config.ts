import { defineConfig } from 'vitest/config';
import { IN_PROCESS } from '../../test/support/in-process.ts';
import rootConfig from '../../vitest.config.ts';
import { secondPlan } from './second-plan.ts';

/** The service with a second plan in its table: `vitest run --config checks/plans/vitest.config.ts`. */

const { env = {}, onConsoleLog } = rootConfig.test ?? {};

export default defineConfig({
  plugins: [secondPlan()],
  test: {
    include: ['checks/plans/*.spec.ts'],
    provide: { dynamodbEndpoint: IN_PROCESS },
    // The cache ignores which plans the table had.
    fsModuleCache: false,
    testTimeout: 180_000,
    env,
    ...(onConsoleLog !== undefined && { onConsoleLog }),
  },
});
