import { STEPS } from './steps.ts';
import { optionsOf, runCheck } from './support/program.ts';
import { runStep } from './tiers/run-steps.ts';

/* `npm run check`: fast checks for breakage that tests do not notice. */

const NAMES = ['types', 'lint', 'dependencies', 'openapi'];
const USAGE = `npm run check    types, lint, dependency rules and OpenAPI document at once: 10 to 30 seconds

Prints the time of each check, and the output of failed checks. Needs only the install.
Each check is also a command: ${NAMES.map((name) => `npm run check:${name}`).join(', ')}.`;

optionsOf(USAGE, {});
await runCheck(async () => {
  const steps = STEPS.filter(({ name }) => NAMES.includes(name));
  const outcomes = await Promise.all(
    steps.map(async (step) => {
      const lines: string[] = [];
      const outcome = await runStep(step, (line) => lines.push(line));
      console.log(`${outcome.passed ? '✓' : '✗'} ${step.name} in ${outcome.seconds} s`);
      if (!outcome.passed) console.log(lines.map((line) => `  ${line}`).join('\n'));
      return outcome;
    }),
  );
  const failed = outcomes.filter(({ passed }) => !passed);
  console.log(`\n${outcomes.length - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0;
});
