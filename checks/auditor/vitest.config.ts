import { defineConfig, type Plugin } from 'vitest/config';
import { IN_PROCESS } from '../../test/support/in-process.ts';
import { patched, patchesOf } from '../support/patch.ts';
import { FAULTS } from './old-rules.ts';

/* The auditor's scenarios on the table model. OLD_RULE patches that fault's old rule into the source. */

const number = process.env['OLD_RULE'];
const fault = FAULTS.find((one) => String(one.number) === number);

function oldRule(): Plugin {
  return {
    name: 'old-rule',
    enforce: 'pre',
    transform(code, id) {
      const patches = patchesOf(fault?.oldRule ?? [], id);
      return patches.length === 0 ? undefined : patched(code, patches);
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
      SERVICE_NAME: 'rsolv-billing',
      METRICS_NAMESPACE: 'RSOLV/Billing',
      LOG_TO_CONSOLE: 'true',
    },
    onConsoleLog: (log) => !log.includes('rsolv-billing'),
  },
});
