import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import { SetupError } from '../../lib/settings/setup-error.ts';

/** All stages, because each has something unique. */
export const CHECKED_STAGES = ['production', 'staging', 'dev'] as const;
export type Stage = (typeof CHECKED_STAGES)[number];

/** Production is refused without a recipient of alarms. */
export const ALARM_EMAIL = 'alarms@rsolv.dev';

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
  console.log(`Packaging ${stage} …`);
  const recipient = ['--param', `alarmEmail=${ALARM_EMAIL}`];
  const command = ['package', '--stage', stage, '--package', join(folder, stage), ...recipient];
  const { LOCAL_BUILD_FOLDER: _, ...deployment } = process.env;
  const { status, stdout, stderr } = spawnSync('serverless', command, {
    cwd: PROJECT_ROOT,
    encoding: 'utf8',
    env: code === 'bundled' ? deployment : { ...deployment, LOCAL_BUILD_FOLDER: '.cache/package' },
  });
  if (status !== 0)
    throw new SetupError(`The stage ${stage} could not be packaged:`, `${stdout}${stderr}`.split('\n'));
}

export const templateOf = (stage: Stage, folder: string): string =>
  join(folder, stage, 'cloudformation-template-update-stack.json');
