import { defineConfig } from 'vitest/config';
import { IN_PROCESS } from '../../test/support/in-process.ts';

/* Uses the table model: on an emulator a query of so large a partition exceeds the service's time-out. */
export default defineConfig({
  test: {
    include: ['checks/large-customer/**/*.test.ts'],
    provide: { dynamodbEndpoint: IN_PROCESS },
    setupFiles: ['test/support/shifted-date.ts'],
    testTimeout: 1_200_000,
    env: {
      SERVICE_NAME: 'rsolv-billing',
      METRICS_NAMESPACE: 'RSOLV/Billing',
      LOG_TO_CONSOLE: 'true',
    },
    onConsoleLog: (log) => !log.includes('rsolv-billing'),
  },
});
