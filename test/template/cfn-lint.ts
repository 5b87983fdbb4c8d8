import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { SetupError } from '../../local/setup-error.ts';
import { cachedFolder } from '../stripe-cli/tool-cache.ts';
import { CHECKED_STAGES, withPackaged } from './package-stage.ts';

/*
 * `npm run test:cfn-lint`: AWS's linter for CloudFormation over the packaged templates. It comes from PyPI into a folder of
 * its own, so it needs Python 3 with pip, and leaves the machine's Python as it is.
 */

const VERSION = '1.58.0';
const PYTHON = 'python3';

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return spawnSync(PYTHON, args, { encoding: 'utf8', env: { ...process.env, ...env } });
}

/** @throws SetupError without Python 3 or pip */
function fetchLinter(): string {
  const asked = run(['-c', 'import sys; print("%d%d" % sys.version_info[:2])']);
  if (asked.status !== 0) throw new SetupError(`cfn-lint needs Python 3: there is no ${PYTHON}. Install it.`);
  if (run(['-m', 'pip', '--version']).status !== 0)
    throw new SetupError(
      `cfn-lint is installed with pip, which ${PYTHON} does not have. Install python3-pip.`,
    );
  // Some of what it needs is compiled for one version of Python.
  return cachedFolder(`cfn-lint-${VERSION}-python${asked.stdout.trim()}`, (folder) => {
    console.log(`Fetching cfn-lint ${VERSION} …`);
    const { status, stderr } = run([
      '-m',
      'pip',
      'install',
      '--quiet',
      '--target',
      folder,
      `cfn-lint==${VERSION}`,
    ]);
    if (status !== 0) throw new SetupError(`pip could not install cfn-lint ${VERSION}: ${stderr.trim()}`);
  });
}

/** How many stages have findings. Each finding is printed, hints included. */
async function lintAll(): Promise<number> {
  const linter = fetchLinter();
  let bad = 0;
  for (const stage of CHECKED_STAGES) {
    const { status, stdout, stderr } = await withPackaged(stage, async (template) =>
      run([join(linter, 'bin', 'cfn-lint'), '--template', template], { PYTHONPATH: linter }),
    );
    console.log(`${stage}: ${status === 0 ? 'nothing found' : `${stdout}${stderr}`}`);
    if (status !== 0) bad++;
  }
  return bad;
}

try {
  process.exitCode = (await lintAll()) > 0 ? 1 : 0;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
