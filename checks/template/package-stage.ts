import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';

const TEMPLATE = 'cloudformation-template-update-stack.json';
/** All that there are: each has something of its own. */
export const CHECKED_STAGES = ['production', 'staging', 'dev'] as const;

/**
 * Packages the service for a stage as a deploy does, and hands over the path of the template, which is gone afterwards.
 * One at a time: the framework works in one folder of the project.
 * @throws Error with what the framework wrote.
 */
export async function withPackaged<Result>(
  stage: string,
  use: (template: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), `rsolv-billing-${stage}-`));
  try {
    const command = ['--no-install', 'serverless', 'package', '--stage', stage, '--package', folder];
    await promisify(execFile)('npx', command, {
      cwd: PROJECT_ROOT,
      env: { ...process.env, LOCAL_BUILD_FOLDER: '.cache/package' },
    });
    return await use(join(folder, TEMPLATE));
  } finally {
    await rm(folder, { recursive: true });
  }
}
