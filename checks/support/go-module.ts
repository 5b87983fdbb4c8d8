import { execFileSync } from 'node:child_process';
import * as z from 'zod/mini';
import { errorCode, reasonOf, SetupError } from '../../lib/settings/setup-error.ts';

const Downloaded = z.object({ Dir: z.string() });

/**
 * The source folder of a Go module at an exact version. Go downloads and verifies it the first time.
 * @throws SetupError without Go, or if no module proxy has the version
 */
export function goModule(path: string, version: string): string {
  try {
    const args = ['mod', 'download', '-json', `${path}@${version}`];
    const output = execFileSync('go', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return Downloaded.parse(JSON.parse(output)).Dir;
  } catch (error) {
    const reason = errorCode(error) === 'ENOENT' ? 'Go is not installed' : reasonOf(error);
    throw new SetupError(`${path}@${version} cannot be downloaded: ${reason}.`);
  }
}
