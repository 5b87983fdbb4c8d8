import { defineConfig } from 'vitest/config';
import { IN_PROCESS } from '../../test/support/in-process.ts';

/* For `npm run check:template`, which packages the stages first. */
export default defineConfig({
  test: {
    globalSetup: ['checks/template/global-setup.ts'],
    include: ['checks/alarms/**/*.spec.ts'],
    provide: { dynamodbEndpoint: IN_PROCESS },
    // Generous for a busy machine. The clock of the scenarios is simulated, so no test measures time.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    env: { LOG_TO_CONSOLE: 'true', METRICS_DISABLED: 'false' },
    onConsoleLog: (log) => !log.includes('rsolv-billing'),
  },
});
