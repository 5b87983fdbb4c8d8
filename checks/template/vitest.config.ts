import { defineConfig } from 'vitest/config';

/* `npm run check:template` packages the stages for it. */
export default defineConfig({
  test: {
    globalSetup: ['checks/template/global-setup.ts'],
    include: ['checks/template/**/*.spec.ts'],
    testTimeout: 60_000,
  },
});
