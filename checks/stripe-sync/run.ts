import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { isCommitted, markdownTable } from '../support/generated-page.ts';
import { optionsOf, runCheck } from '../support/program.ts';
import { type Judged, judged, KINDS } from './judge.ts';

/*
 * Stripe Sync Engine against the stand-in after the broad scenario. The engine is an npm package of Supabase
 * and does not know this project. It handles every webhook, and then copies every kind of object into
 * Postgres.
 */

const USAGE = `npm run check:stripe-sync [-- --write]    Stripe Sync Engine against the stand-in: 1 minute

Installs the packages of checks/stripe-sync/package-lock.json, with a Postgres that runs inside Node.
  --write    write docs/checks/stripe-sync.md`;
const HERE = 'checks/stripe-sync';
const PAGE = 'docs/checks/stripe-sync.md';

const { write = false } = optionsOf(USAGE, { write: { type: 'boolean' } });
await runCheck(async () => {
  install();
  const found = await judged();
  for (const complaint of found.complaints) console.log(complaint);
  const isCurrent = isCommitted(PAGE, page(found), write, 'npm run check:stripe-sync');
  console.log(
    `${found.handled} webhooks handled, ${KINDS.length} kinds: ${found.complaints.length} complaints.`,
  );
  return found.complaints.length === 0 && found.handled > 0 && isCurrent;
});

/** @throws SetupError */
function install(): void {
  if (existsSync(`${HERE}/node_modules/@supabase`)) return;
  console.log(`Installing the packages of ${HERE}/package-lock.json …`);
  // `pglite-socket` has peer dependencies on Postgres extensions that are not used here.
  const args = ['ci', '--ignore-scripts', '--legacy-peer-deps', '--prefix', HERE];
  const { status } = spawnSync('npm', args, { stdio: 'inherit' });
  if (status !== 0) throw new SetupError(`npm ci in ${HERE} failed.`);
}

/** The generated page. Its content is the same in every run. */
function page({ rows, unhandled }: Judged): string {
  return `# The stand-in against Stripe Sync Engine

Written by \`npm run check:stripe-sync -- --write\`; do not edit.

The check plays the scenario of \`check:stripe-openapi\`.
Then \`@supabase/stripe-sync-engine\` handles every delivered webhook.
It also copies each kind of object into Postgres.
The Postgres is \`@electric-sql/pglite\`, which runs inside Node and needs no installation.

${markdownTable(
  ['kind in the engine', 'result'],
  rows.map(({ kind, verdict }) => [kind, verdict]),
)}

Out of scope: the engine does not handle these events: ${unhandled.map((type) => `\`${type}\``).join(', ')}.
`;
}
