import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import { SetupError } from '../../lib/settings/setup-error.ts';

/** All stages: each has something of its own. */
export const CHECKED_STAGES = ['production', 'staging', 'dev'] as const;
export type Stage = (typeof CHECKED_STAGES)[number];

/** Names the folder with the packaged templates to the tests. */
export const TEMPLATES_VARIABLE = 'TEMPLATES_FOLDER';

/**
 * Packages the service for a stage as a deploy does. One stage at a time: the framework works in one folder of the project.
 * @throws SetupError with what the framework wrote
 */
export function packageStage(stage: Stage, folder: string): void {
  console.log(`Packaging ${stage} …`);
  const command = ['package', '--stage', stage, '--package', join(folder, stage)];
  const { status, stdout, stderr } = spawnSync('serverless', command, {
    cwd: PROJECT_ROOT,
    encoding: 'utf8',
    env: { ...process.env, LOCAL_BUILD_FOLDER: '.cache/package' },
  });
  if (status !== 0)
    throw new SetupError(`The stage ${stage} could not be packaged:`, `${stdout}${stderr}`.split('\n'));
}

export const templateOf = (stage: Stage, folder: string): string =>
  join(folder, stage, 'cloudformation-template-update-stack.json');
