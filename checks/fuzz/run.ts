import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { runSchemathesis } from './schemathesis.ts';

/*
 * `npm run test:fuzz`: the properties of this folder on many requests, then Schemathesis, which knows
 * nothing of us but the API document, on a running stack (needs Python 3 with pip). `-- --runs N`: requests of each property.
 * `--examples N`, `--seed N`: for Schemathesis.
 */

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    examples: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
});

try {
  const runs = wholeNumber(values.runs);
  const examples = wholeNumber(values.examples);
  const seed = wholeNumber(values.seed);
  const properties = spawnSync('vitest', ['run', '--config', 'checks/vitest.config.ts', 'checks/fuzz'], {
    stdio: 'inherit',
    env: { ...process.env, FUZZ_RUNS: String(runs) },
  });
  const isDocumented = await runSchemathesis(examples, seed);
  process.exitCode = properties.status === 0 && isDocumented ? 0 : 1;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new SetupError(`--runs, --examples and --seed take a whole number from 1; ${text} is none.`);
}
