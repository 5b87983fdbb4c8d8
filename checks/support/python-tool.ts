import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { cachedFolder } from './tool-cache.ts';

const PYTHON = 'python3';

/** How to start a fetched tool. */
export interface PythonTool {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * A command line tool from PyPI in its own folder, so the machine's Python is unchanged.
 * @throws SetupError with the remedy, without Python 3, pip or PyPI
 */
export function pythonTool(name: string, version: string): PythonTool {
  const python3Version = python('-c', 'import sys; print("%d%d" % sys.version_info[:2])');
  if (python3Version.status !== 0)
    throw new SetupError(`${name} needs Python 3: there is no ${PYTHON}. Install it.`);
  if (python('-m', 'pip', '--version').status !== 0)
    throw new SetupError(
      `${name} is installed with pip, which ${PYTHON} does not have. Install python3-pip.`,
    );
  // Some dependencies are compiled for one Python version.
  const folder = cachedFolder(`${name}-${version}-python${python3Version.stdout.trim()}`, (empty) => {
    console.log(`Fetching ${name} ${version} …`);
    const { status, stderr } = python(
      ...['-m', 'pip', 'install', '--quiet', '--target', empty, `${name}==${version}`],
    );
    if (status !== 0) throw new SetupError(`pip could not install ${name} ${version}: ${stderr.trim()}`);
  });
  return {
    command: PYTHON,
    args: [join(folder, 'bin', name)],
    env: { ...process.env, PYTHONPATH: folder },
  };
}

const python = (...args: readonly string[]) => spawnSync(PYTHON, args, { encoding: 'utf8' });
