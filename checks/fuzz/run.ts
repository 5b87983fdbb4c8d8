import { optionsOf, runCheck, wholeNumber } from '../support/program.ts';
import { runVitest } from '../support/run-vitest.ts';
import { runSchemathesis } from './schemathesis.ts';

const USAGE = `npm run check:fuzz -- [options]    random requests from the API document: about 10 minutes

  --runs N        requests of each property of this folder (1000)
  --examples N    requests of each call and phase of Schemathesis (60)
  --seed N        for Schemathesis (1)

Runs the properties in checks/fuzz, then Schemathesis on its own stack. Schemathesis knows only the API document.
Needs Python 3 with pip. The first run fetches Schemathesis from PyPI.`;

const values = optionsOf(USAGE, {
  runs: { type: 'string', default: '1000' },
  examples: { type: 'string', default: '60' },
  seed: { type: 'string', default: '1' },
});

await runCheck(async () => {
  const runs = wholeNumber('runs', values.runs);
  const examples = wholeNumber('examples', values.examples);
  const seed = wholeNumber('seed', values.seed);
  const areKept = runVitest('checks/fuzz', { FUZZ_RUNS: String(runs) });
  const isDocumented = await runSchemathesis(examples, seed);
  console.log(
    `\nproperties ${areKept ? 'hold' : 'FAILED'}, Schemathesis ${isDocumented ? 'found nothing' : 'FAILED'}`,
  );
  return areKept && isDocumented;
});
