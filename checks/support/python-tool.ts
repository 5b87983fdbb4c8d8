import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { cachedFolder } from './tool-cache.ts';

const PYTHON = 'python3';

/** How a tool that was fetched is started. */
export interface PythonTool {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * A command line tool from PyPI, in a folder of its own, so that the machine's Python stays as it is.
 * @throws SetupError without Python 3, pip or PyPI, with what to do about it
 */
export function pythonTool(name: string, version: string): PythonTool {
  const asked = python('-c', 'import sys; print("%d%d" % sys.version_info[:2])');
  if (asked.status !== 0) throw new SetupError(`${name} needs Python 3: there is no ${PYTHON}. Install it.`);
  if (python('-m', 'pip', '--version').status !== 0)
    throw new SetupError(
      `${name} is installed with pip, which ${PYTHON} does not have. Install python3-pip.`,
    );
  // Some of what a tool needs is compiled for one version of Python.
  const folder = cachedFolder(`${name}-${version}-python${asked.stdout.trim()}`, (empty) => {
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
