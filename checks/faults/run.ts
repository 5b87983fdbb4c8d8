import { optionsOf, runCheck } from '../support/program.ts';
import { runVitest } from '../support/run-vitest.ts';

const USAGE = `npm run check:faults    an engine and a Stripe that stall longer than clients wait: 1 minute

The stalls are real, so most of the time is waiting.
Needs only the install.`;

optionsOf(USAGE, {});
await runCheck(() => runVitest('checks/faults'));
