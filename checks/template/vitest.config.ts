import { defineConfig } from 'vitest/config';

/* `npm run test:template`. Apart from `npm test`, because it packages the service for each stage, which takes longer than all the rest. */
export default defineConfig({
  test: {
    globalSetup: ['checks/template/global-setup.ts'],
    include: ['checks/template/**/*.spec.ts'],
    testTimeout: 60_000,
  },
});
