import { optionsOf, runCheck } from '../support/program.ts';
import { budgetsOf, growthsOf, isKept } from './budgets.ts';
import { THOROUGH, USUAL } from './effort.ts';
import { measure } from './measure.ts';
import { forTerminal } from './report/terminal.ts';
import { writeReport } from './report/write.ts';

const USAGE = `npm run check:bench -- [options]    measures time, calls and money: about 8 minutes

  --strict    also fails for missed timed budgets
  --full      measures growth further and repeats more often
  --write     as --full, and writes docs/performance.md with its pictures
  --json      prints the numbers for programs
  --without-postgres  leaves out the comparison with a plain server

Needs the machine to itself, the install, and PostgreSQL (Debian: apt-get install postgresql).`;

const values = optionsOf(USAGE, {
  json: { type: 'boolean', default: false },
  'without-postgres': { type: 'boolean', default: false },
  strict: { type: 'boolean', default: false },
  full: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
});

await runCheck(async () => {
  const results = await measure(values.full || values.write ? THOROUGH : USUAL, !values['without-postgres']);
  const budgets = budgetsOf(results).map((budget) => ({ ...budget, kept: isKept(budget) }));
  const growth = results.counted.growth.map(growthsOf);
  console.log(values.json ? JSON.stringify({ ...results, budgets, growth }, null, 2) : forTerminal(results));
  if (values.write) console.error(`\nWritten: ${writeReport(results)}`);
  const missed = budgets.filter(({ kept, timed }) => !kept && (!timed || values.strict)).length;
  const grown = growth.filter(({ kept }) => !kept).length;
  if (!values.json) console.log(`\n${missed} budgets missed, ${grown} growths too steep`);
  return missed === 0 && grown === 0;
});
