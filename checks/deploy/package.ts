import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Template } from '../../infrastructure/template.ts';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { packageStage, type Stage, templateOf } from '../template/package-stage.ts';
import { runtimeClient } from './runtime-client.ts';
import { readTemplate } from './stack.ts';

/** A packaged stage: the framework's first template, which has the bucket, the whole one, and the packages. */
export interface Packaged {
  readonly folder: string;
  readonly bucket: Template;
  readonly whole: Template;
}

/** Packages a stage as a deployment does, and adds to each package what starts it here. @throws SetupError */
export function packaged(stage: Stage, parent: string): Packaged {
  packageStage(stage, parent, 'bundled');
  const folder = join(parent, stage);
  const { status, stderr, error } = spawnSync('python3', [
    'checks/deploy/add_bootstrap.py',
    folder,
    bootstrap(),
    'checks/deploy/gateway-cookies.mjs',
  ]);
  if (status !== 0)
    throw new SetupError(`The packages cannot be completed: ${error?.message ?? String(stderr)}`);
  return {
    folder,
    bucket: readTemplate(join(folder, 'cloudformation-template-create-stack.json')),
    whole: readTemplate(templateOf(stage, parent)),
  };
}

/**
 * Starts a function as Lambda does. The emulator sets all variables of Lambda that are read, but this one. A
 * page gets the cookies of its requests as from AWS's gateway.
 */
const bootstrap = (): string => `#!/bin/sh
export AWS_LAMBDA_LOG_GROUP_NAME="/aws/lambda/$AWS_LAMBDA_FUNCTION_NAME"
case "$_HANDLER" in functions/billing-*)
  export PAGE_HANDLER="$_HANDLER" _HANDLER=gateway-cookies.handler
esac
exec "${process.execPath}" "${runtimeClient()}" "$_HANDLER"
`;
