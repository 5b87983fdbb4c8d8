import { parseArgs } from 'node:util';
import { errorCode, reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { budgetsOf, growthsOf, isKept } from './budgets.ts';
import { THOROUGH, USUAL } from './effort.ts';
import { measure } from './measure.ts';
import { forTerminal } from './report/terminal.ts';
import { writeReport } from './report/write.ts';

/*
 * `npm run bench`: what the service costs in time, calls and money, measured in one run, against its budgets.
 * `--strict` fails for budgets that are timed, too. `--full` follows growth further and repeats more. `--write` does so, and writes
 * docs/performance.md with its pictures. `--json` prints the numbers.
 */

try {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const results = await measure(values.full || values.write ? THOROUGH : USUAL);
  const budgets = budgetsOf(results).map((budget) => ({ ...budget, kept: isKept(budget) }));
  const growth = results.counted.growth.map(growthsOf);
  console.log(values.json ? JSON.stringify({ ...results, budgets, growth }, null, 2) : forTerminal(results));
  if (values.write) console.error(`\nWritten: ${writeReport(results)}`);
  const isGood =
    budgets.every(({ kept, timed }) => kept || (timed && !values.strict)) && growth.every(({ kept }) => kept);
  process.exitCode = isGood ? 0 : 1;
} catch (error) {
  const isForeseen = error instanceof SetupError || errorCode(error)?.startsWith('ERR_PARSE_ARGS');
  if (!isForeseen) throw error;
  console.error(reasonOf(error));
  process.exitCode = 1;
}
