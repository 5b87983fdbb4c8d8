import { spawnSync } from 'node:child_process';
import { optionsOf, runCheck } from '../support/program.ts';

const USAGE = `npm run check:large-customer    a customer with 100,000 fixes and 50 others: some minutes

The nightly reconciliation must end within its read budget, over several invocations. Closing the customer must end too.
Needs only the install.`;
const CONFIG = 'checks/large-customer/vitest.config.ts';

optionsOf(USAGE, {});
await runCheck(() => {
  const { status } = spawnSync('vitest', ['run', '--config', CONFIG], { stdio: 'inherit' });
  return status === 0;
});
