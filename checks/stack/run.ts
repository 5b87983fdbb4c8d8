import { optionsOf, runCheck } from '../support/program.ts';
import { runVitest } from '../support/run-vitest.ts';

const USAGE = `npm run check:stack    whole stacks, each in processes of its own, one at a time: about 5 minutes

Starts the local stack and the command line as a user does, stops, kills and restarts them.
Needs nothing but the install.`;

optionsOf(USAGE, {});
await runCheck(() => runVitest('checks/stack'));
