import { spawnSync } from 'node:child_process';

/** What the working tree holds. */
export interface Release {
  /** Null if the tree is not a git checkout. */
  readonly commit: string | null;
  /** Whether files differ from the commit. Ignored files do not count. */
  readonly hasChanges: boolean;
}

export function readRelease(folder: string): Release {
  const commit = git(folder, 'rev-parse', 'HEAD');
  if (commit === null) return { commit, hasChanges: false };
  return { commit, hasChanges: git(folder, 'status', '--porcelain') !== '' };
}

function git(folder: string, ...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

/**
 * The description of every function. Lambda publishes a version only if the code or the settings differ from
 * the version before, also if that one was rolled back. So CloudFormation fails if a release contains a
 * function exactly as a rolled-back release had it. The commit and `redeploy` make the settings differ. The
 * same tree always has the same description, so an unchanged deploy is still skipped.
 */
export function describeRelease({ commit, hasChanges }: Release, redeploy: string): string {
  const parts = [
    commit === null ? 'unknown commit' : `commit ${commit}`,
    ...(hasChanges ? ['with changes'] : []),
    ...(redeploy === '' ? [] : [`redeploy ${redeploy}`]),
  ];
  return parts.join(', ');
}

/** Why this tree must not take real money. Null if it may. */
export function unreleasable({ commit, hasChanges }: Release): string | null {
  if (commit === null) return 'This folder is not a git checkout, so no commit names what would run.';
  return hasChanges ? 'The working tree differs from its commit, so no commit names what would run.' : null;
}
