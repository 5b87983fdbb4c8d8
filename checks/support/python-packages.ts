import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { hashText } from './code-hash.ts';
import { cachedFolder } from './tool-cache.ts';

const PYTHON = 'python3';

/**
 * The folder of the Python packages of a requirements file: each at its exact version, and no others.
 * The machine's own Python is unchanged: `PYTHONPATH` is this folder.
 * @throws SetupError without Python 3 or pip, or when an installation fails
 */
export function pythonPackages(name: string, requirements: string): string {
  const python3Version = python('-c', 'import sys; print("%d%d" % sys.version_info[:2])');
  if (python3Version.status !== 0)
    throw new SetupError(`${name} needs Python 3: there is no ${PYTHON}. Install it.`);
  // Some packages are compiled for one Python version.
  const version = `python${python3Version.stdout.trim()}-${hashText(readFileSync(requirements, 'utf8'))}`;
  return cachedFolder(`${name}-${version}`, (empty) => {
    console.log(`Installing the packages of ${requirements} …`);
    const { status, stderr } = python(
      ...['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', empty, '-r', requirements],
    );
    if (status !== 0) throw new SetupError(`pip could not install ${name}: ${stderr.trim()}`);
  });
}

const python = (...args: readonly string[]) => spawnSync(PYTHON, args, { encoding: 'utf8' });
