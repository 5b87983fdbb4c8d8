import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import { SetupError } from '../../lib/settings/setup-error.ts';

/** All stages, because each has something unique. */
export const CHECKED_STAGES = ['production', 'staging', 'dev'] as const;
export type Stage = (typeof CHECKED_STAGES)[number];

/** Production is refused without a recipient of alarms. */
export const ALARM_EMAIL = 'alarms@rsolv.dev';

/** `dev`, packaged again to be deployed once more from the same commit. */
export const REDEPLOYED = 'dev-redeployed';

/** The environment variable that names the tests' folder of packaged templates. */
export const TEMPLATES_VARIABLE = 'TEMPLATES_FOLDER';

/** What the packages hold: the bundles of a deployment, or our code alone, which is built in a third of the time. */
type Code = 'bundled' | 'without libraries';

/**
 * Packages the service for a stage as a deployment does. Not concurrently: the framework uses one project
 * folder.
 * @throws SetupError with the framework's output
 */
export function packageStage(stage: Stage, folder: string, code: Code = 'without libraries'): void {
  packageInto(join(folder, stage), stage, [`alarmEmail=${ALARM_EMAIL}`], code);
}

export function packageAgain(folder: string): void {
  packageInto(
    join(folder, REDEPLOYED),
    'dev',
    [`alarmEmail=${ALARM_EMAIL}`, 'redeploy=1'],
    'without libraries',
  );
}

function packageInto(target: string, stage: Stage, params: readonly string[], code: Code): void {
  console.log(`Packaging ${stage} …`);
  const options = params.flatMap((param) => ['--param', param]);
  const command = ['package', '--stage', stage, '--package', target, ...options];
  const { LOCAL_BUILD_FOLDER: _, ...deployment } = process.env;
  const { status, stdout, stderr } = spawnSync('serverless', command, {
    cwd: PROJECT_ROOT,
    encoding: 'utf8',
    env: code === 'bundled' ? deployment : { ...deployment, LOCAL_BUILD_FOLDER: '.cache/package' },
  });
  if (status !== 0)
    throw new SetupError(`The stage ${stage} could not be packaged:`, `${stdout}${stderr}`.split('\n'));
}

export const templateOf = (stage: Stage | typeof REDEPLOYED, folder: string): string =>
  join(folder, stage, 'cloudformation-template-update-stack.json');
