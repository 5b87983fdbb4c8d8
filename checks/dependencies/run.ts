import { cruise } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import { optionsOf, runCheck } from '../support/program.ts';

/* The rules are in .dependency-cruiser.mjs, which the tool's own command line also reads. */

const ROOMS = ['cli', 'functions', 'infrastructure', 'lib', 'local', 'test', 'checks'];
const USAGE = `npm run check:dependencies    checks every import against the rules in .dependency-cruiser.mjs: 3 seconds

Prints each import that breaks a rule, and each cycle. Needs only the install.`;

optionsOf(USAGE, {});
await runCheck(async () => {
  const { output } = await cruise(ROOMS, await extractOptions('./.dependency-cruiser.mjs'));
  if (typeof output === 'string')
    throw new Error(`dependency-cruiser returned text instead of JSON: ${output}`);
  // Ignores `issues`: they report that TypeScript's compiler is missing, but the parser is swc.
  const { violations, totalCruised, totalDependenciesCruised = 0 } = output.summary;
  for (const { rule, from, to, cycle } of violations) {
    const path = cycle === undefined ? [to] : cycle.map(({ name }) => name);
    console.log(`✗ ${rule.name}: ${[from, ...path].join(' → ')}`);
  }
  console.log(
    `\n${violations.length} violations among ${totalDependenciesCruised} imports of ${totalCruised} files`,
  );
  return violations.length === 0 && totalDependenciesCruised > 0;
});
