import { defineConfig } from 'vitest/config';

/* For `npm run check:template`, which packages the stages first. */
export default defineConfig({
  test: {
    globalSetup: ['checks/template/global-setup.ts'],
    include: ['checks/template/**/*.spec.ts'],
    testTimeout: 60_000,
  },
});
