import { spawnSync } from 'node:child_process';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { pythonTool } from '../support/python-tool.ts';
import { CHECKED_STAGES, withPackaged } from './package-stage.ts';

/*
 * `npm run test:cfn-lint`: AWS's linter for CloudFormation over the packaged templates. It comes from PyPI into a folder of
 * its own, so it needs Python 3 with pip, and leaves the machine's Python as it is.
 */

const VERSION = '1.58.0';

/** How many stages have findings. Each finding is printed, hints included. */
async function lintAll(): Promise<number> {
  const { command, args, env } = pythonTool('cfn-lint', VERSION);
  let bad = 0;
  for (const stage of CHECKED_STAGES) {
    const { status, stdout, stderr } = await withPackaged(stage, async (template) =>
      spawnSync(command, [...args, '--template', template], { encoding: 'utf8', env }),
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
