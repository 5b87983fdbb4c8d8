import { optionsOf, runCheck } from '../support/program.ts';
import { runVitest } from '../support/run-vitest.ts';

const USAGE = `npm run check:crash    a process killed at every call of every saga: about 14 minutes

After each kill the client retries, the sweeper runs, or the webhooks arrive. Money and credits must be right.
Needs only the install.`;

optionsOf(USAGE, {});
await runCheck(() => runVitest('checks/crash'));
