import { spawnSync } from 'node:child_process';

const MAX_BYTES = 64 * 1024 * 1024;

/** What an npm command answers, as JSON; null when it is none. An exit code of its own is how npm tells of findings. */
export function npmJson(...args: readonly string[]): unknown {
  const { stdout } = spawnSync('npm', [...args, '--json'], { encoding: 'utf8', maxBuffer: MAX_BYTES });
  try {
    return JSON.parse(stdout);
  } catch {
    return null;
  }
}
