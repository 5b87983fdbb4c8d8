// Starts a program of this folder: `node local/run.mjs start`. The install includes a Node that runs
// TypeScript. If the install is incomplete, an older Node may run this file. So it is plain JavaScript and
// reports in one line what is missing.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REQUIRED_NODE = 24;
const PROGRAMS = {
  start: './start.ts',
  demo: './demo/main.ts',
  stripe: './stripe-double/main.ts',
  'stripe:setup': './stripe-setup/main.ts',
};

const name = process.argv[2] ?? '';
const program = PROGRAMS[name];
const packages = join(dirname(fileURLToPath(import.meta.url)), '..', 'node_modules');
const problem = program === undefined ? `Unknown program "${name}".` : findInstallProblem();
if (problem === null) {
  process.argv.splice(1, 2, fileURLToPath(new URL(program, import.meta.url)));
  await import(program);
} else {
  console.error(problem);
  process.exitCode = 1;
}

/** Null if the install is complete. */
function findInstallProblem() {
  if (!existsSync(packages)) return 'The packages are not installed. Run: npm ci';
  if (!existsSync(join(packages, 'serverless')) || !existsSync(join(packages, 'node'))) {
    return (
      'The development packages are not installed (NODE_ENV=production or --omit=dev). ' +
      'Run: npm ci --include=dev'
    );
  }
  if (Number.parseInt(process.versions.node, 10) >= REQUIRED_NODE) return null;
  const wrongNode = `Node ${REQUIRED_NODE} is required, but this is ${process.version}`;
  if (existsSync(join(packages, 'node', 'bin', 'node'))) {
    return `${wrongNode}. Run it through npm: npm run ${name}`;
  }
  return `${wrongNode}: an install without scripts omits Node. Run: npm rebuild node --ignore-scripts=false`;
}
