// Starts a program of this folder: `node local/run.mjs start`. The install brings the Node that runs TypeScript. Where the
// install is incomplete, an older Node may run this file: so it is plain JavaScript, and says what is missing in one line.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED_NODE = 24;
const PROGRAMS = {
  start: './start.ts',
  demo: './demo/main.ts',
  stripe: './stripe-double/main.ts',
  'stripe:setup': './stripe-setup/main.ts',
};

const name = process.argv[2] ?? '';
const program = PROGRAMS[name];
const packages = join(dirname(fileURLToPath(import.meta.url)), '..', 'node_modules');
const missing = program === undefined ? `Unknown program "${name}".` : whatIsMissing();
if (missing === null) {
  process.argv.splice(1, 2, fileURLToPath(new URL(program, import.meta.url)));
  await import(program);
} else {
  console.error(missing);
  process.exitCode = 1;
}

/** Null when everything is there. */
function whatIsMissing() {
  if (!existsSync(packages)) return 'Nothing is installed yet. Run: npm ci';
  if (!existsSync(join(packages, 'serverless')) || !existsSync(join(packages, 'node'))) {
    return 'The development packages are not installed (NODE_ENV=production or --omit=dev). Run: npm ci --include=dev';
  }
  if (Number.parseInt(process.versions.node, 10) >= NEEDED_NODE) return null;
  if (existsSync(join(packages, 'node', 'bin', 'node'))) {
    return `Node ${NEEDED_NODE} is needed, and this is ${process.version}. Run it through npm: npm run ${name}`;
  }
  return (
    `Node ${NEEDED_NODE} is needed, and this is ${process.version}: an install without scripts leaves Node out. ` +
    'Run: npm rebuild node --ignore-scripts=false'
  );
}
