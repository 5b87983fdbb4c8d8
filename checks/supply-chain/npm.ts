import { spawnSync } from 'node:child_process';

const MAX_BYTES = 64 * 1024 * 1024;

/** The JSON output of an npm command, or null. Ignores the exit code: findings also make it nonzero. */
export function npmJson(...args: readonly string[]): unknown {
  const { stdout } = spawnSync('npm', [...args, '--json'], { encoding: 'utf8', maxBuffer: MAX_BYTES });
  try {
    return JSON.parse(stdout);
  } catch {
    return null;
  }
}
