import { defineConfig, type Plugin } from 'vitest/config';
import { IN_PROCESS } from '../../test/support/in-process.ts';
import { FAULTS } from './old-rules.ts';

/* The auditor's scenarios on the model of the table; with OLD_RULE, the old rule of that fault is put back while the source is read. */

const number = process.env['OLD_RULE'];
const fault = FAULTS.find((one) => String(one.number) === number);

function oldRule(): Plugin {
  const missing = new Set(fault?.oldRule);
  return {
    name: 'old-rule',
    enforce: 'pre',
    transform(code, id) {
      const patches = (fault?.oldRule ?? []).filter(({ file }) => id.endsWith(`/${file}`));
      if (patches.length === 0) return undefined;
      return patches.reduce((source, patch) => {
        if (!source.includes(patch.find)) throw new Error(`${patch.file} has no: ${patch.find}`);
        missing.delete(patch);
        return source.replace(patch.find, patch.replace);
      }, code);
    },
  };
}

export default defineConfig({
  plugins: number === undefined ? [] : [oldRule()],
  test: {
    include: ['checks/auditor/**/*.test.ts'],
    provide: { dynamodbEndpoint: IN_PROCESS },
    setupFiles: ['test/support/shifted-date.ts'],
    fsModuleCache: number === undefined,
    testTimeout: 60_000,
    env: {
      POWERTOOLS_SERVICE_NAME: 'rsolv-billing',
      POWERTOOLS_METRICS_NAMESPACE: 'RSOLV/Billing',
      POWERTOOLS_DEV: 'true',
    },
    onConsoleLog: (log) => !log.includes('rsolv-billing'),
  },
});
