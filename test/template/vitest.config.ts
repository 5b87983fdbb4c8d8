import { defineConfig } from 'vitest/config';

/* `npm run test:template`. Apart from `npm test`, because it packages the service for each stage, which takes longer than all the rest. */
export default defineConfig({
  test: {
    globalSetup: ['test/template/global-setup.ts'],
    include: ['test/template/**/*.spec.ts'],
    testTimeout: 60_000,
  },
});
