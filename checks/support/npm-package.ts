import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { cachedFolder } from './tool-cache.ts';

/**
 * The folder of an npm package, fetched once, with its files in `package/`. The package is unpacked and not
 * installed, so its dependencies stay out of the project.
 * @throws SetupError when the fetch fails
 */
export function fetchPackage(name: string, version: string): string {
  return cachedFolder(`${name.replace(/^@/, '').replace('/', '-')}-${version}`, (unfinished) => {
    console.log(`Fetching ${name}@${version} …`);
    try {
      const args = ['pack', '--loglevel=error', '--pack-destination', unfinished, `${name}@${version}`];
      const packed = execFileSync('npm', args, { encoding: 'utf8', stdio: 'pipe' });
      execFileSync('tar', ['-xzf', join(unfinished, packed.trim()), '-C', unfinished], { stdio: 'pipe' });
    } catch (error) {
      const npmCode = /npm error code (\w+)/.exec(reasonOf(error))?.[1];
      const reason =
        npmCode === 'E404' ? 'the registry has no version for this platform' : (npmCode ?? reasonOf(error));
      throw new SetupError(`${name}@${version} could not be fetched: ${reason}.`);
    }
  });
}
