import { defineConfig } from 'vitest/config';
import { IN_PROCESS } from '../../test/support/in-process.ts';

/* On the model of the table: a query of a partition this large takes an emulator longer than the service waits for DynamoDB. */
export default defineConfig({
  test: {
    include: ['checks/large-customer/**/*.test.ts'],
    provide: { dynamodbEndpoint: IN_PROCESS },
    setupFiles: ['test/support/shifted-date.ts'],
    testTimeout: 1_200_000,
    env: {
      POWERTOOLS_SERVICE_NAME: 'rsolv-billing',
      POWERTOOLS_METRICS_NAMESPACE: 'RSOLV/Billing',
      POWERTOOLS_DEV: 'true',
    },
    onConsoleLog: (log) => !log.includes('rsolv-billing'),
  },
});
