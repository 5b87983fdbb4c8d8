import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { DeployedService } from './service.ts';

/** The exit code of a preflight that found nothing wrong, but could not check everything. */
const NOT_CHECKED = 3;

export interface PreflightOptions {
  readonly serviceDir: string;
  readonly service: Pick<DeployedService, 'stage'>;
  readonly provider: { getRegion(): string; getProfile(): string | undefined };
  /** The settings of this deploy, each `name=value`. */
  readonly param?: readonly string[];
}

/**
 * Runs `rsolv-billing preflight` with the identity and the region of the deploy, and shows its report. What
 * could not be checked stops no deploy: the deployer may lack the right to look.
 */
export function passesPreflight({ serviceDir, service, provider, param = [] }: PreflightOptions): boolean {
  const profile = provider.getProfile();
  const { status } = spawnSync(
    process.execPath,
    [
      join(serviceDir, 'cli', 'rsolv-billing.mjs'),
      ...['preflight', '--stage', service.stage],
      ...param.flatMap((one) => ['--param', one]),
    ],
    {
      cwd: serviceDir,
      stdio: 'inherit',
      env: {
        ...process.env,
        AWS_REGION: provider.getRegion(),
        ...(profile !== undefined && { AWS_PROFILE: profile }),
      },
    },
  );
  return status === 0 || status === NOT_CHECKED;
}
