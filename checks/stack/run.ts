import { optionsOf, runCheck } from '../support/program.ts';
import { runVitest } from '../support/run-vitest.ts';

const USAGE = `npm run check:stack    whole stacks in their own processes, one at a time: about 5 minutes

Starts the local stack and the command line as a user does, stops, kills and restarts them.
Needs only the install.`;

optionsOf(USAGE, {});
await runCheck(() => runVitest('checks/stack'));
