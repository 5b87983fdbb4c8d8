import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { optionsOf, runCheck } from '../support/program.ts';
import { pythonTool } from '../support/python-tool.ts';
import { checkovFaults } from './checkov.ts';
import {
  CHECKED_STAGES,
  packageAgain,
  packageStage,
  TEMPLATES_VARIABLE,
  templateOf,
} from './package-stage.ts';

const CFN_LINT = '1.58.0';
const CONFIGS = ['checks/template/vitest.config.ts', 'checks/alarms/vitest.config.ts'];
const USAGE = `npm run check:template    packages each stage like a deploy and checks its CloudFormation: 2 minutes

Runs our tests of permissions, alarms, protections and routes. Runs the functions on a simulated clock, and
evaluates the alarms on the metrics that they print. Then runs AWS's linter cfn-lint and the security rules
of checkov. checks/template/dismissals.ts names each finding of checkov that stays, with the reason.
Needs Python 3 with pip. The first run fetches cfn-lint and checkov from PyPI.`;

optionsOf(USAGE, {});
const folder = mkdtempSync(join(tmpdir(), 'rsolv-billing-template-'));
try {
  await runCheck(() => {
    for (const stage of CHECKED_STAGES) packageStage(stage, folder);
    packageAgain(folder);
    const areAsPromised = CONFIGS.map(testsPass).every((pass) => pass);
    const files = [
      ...CHECKED_STAGES.map((stage) => ({ name: stage, file: templateOf(stage, folder) })),
      { name: 'copies', file: 'infrastructure/copies.yml' },
    ];
    const bad = files.filter((one) => !isClean(one)).map(({ name }) => name);
    const faults = checkovFaults(CHECKED_STAGES.map((stage) => templateOf(stage, folder)));
    console.log(
      `\n${CHECKED_STAGES.length} stages: tests ${areAsPromised ? 'passed' : 'FAILED'}, ` +
        `cfn-lint ${bad.length === 0 ? 'found nothing' : `FAILED for ${bad.join(', ')}`}, ` +
        `checkov ${faults === 0 ? 'found nothing new' : `FAILED with ${faults} faults`}`,
    );
    return areAsPromised && bad.length === 0 && faults === 0;
  });
} finally {
  rmSync(folder, { recursive: true });
}

function testsPass(config: string): boolean {
  const { status } = spawnSync('vitest', ['run', '--config', config], {
    stdio: 'inherit',
    env: { ...process.env, [TEMPLATES_VARIABLE]: folder },
  });
  return status === 0;
}

/** Prints each finding, hints included. */
function isClean({ name, file }: { readonly name: string; readonly file: string }): boolean {
  const { command, args, env } = pythonTool('cfn-lint', CFN_LINT);
  const { status, stdout, stderr } = spawnSync(command, [...args, '--template', file], {
    encoding: 'utf8',
    env,
  });
  console.log(`cfn-lint, ${name}: ${status === 0 ? 'nothing found' : `${stdout}${stderr}`}`);
  return status === 0;
}
