import { createHash } from 'node:crypto';
import { accessSync, constants, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import { errorCode, reasonOf, SetupError } from '../../lib/settings/setup-error.ts';

const MODE = 0o700;

/**
 * The folder for builds and other disposable files. The data that must survive a restart is in DATA_DIR. The
 * folder is .cache in the project. If .cache is not writable, as in a read-only checkout, it is a private
 * folder in the system's temporary folder.
 * @throws SetupError in one line if neither is writable
 */
export function stateFolder(project = PROJECT_ROOT, temporary = tmpdir()): string {
  const preferred = join(project, '.cache');
  const fallback = join(temporary, `rsolv-billing-${userId()}-${nameOf(project)}`);
  const failures: string[] = [];
  for (const make of [() => writableFolder(preferred), () => privateFolder(fallback, project)]) {
    try {
      return make();
    } catch (error) {
      if (errorCode(error) === undefined && !(error instanceof SetupError)) throw error;
      failures.push(reasonOf(error));
    }
  }
  throw new SetupError(
    `Neither ${preferred} nor ${fallback} is writable: ${failures.join('; ')}. ` +
      'Make one writable, or set TMPDIR.',
  );
}

function writableFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK | constants.X_OK);
  return folder;
}

/** Refuses a folder of another user, because every user can write to the temporary folder. */
function privateFolder(folder: string, project: string): string {
  mkdirSync(folder, { recursive: true, mode: MODE });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== userId())
    throw new SetupError(`${folder} belongs to another user`);
  // The functions that are built here find their libraries through this link.
  const link = join(folder, 'node_modules');
  rmSync(link, { force: true });
  symlinkSync(join(project, 'node_modules'), link, 'dir');
  return folder;
}

const userId = (): number => process.getuid?.() ?? 0;
const nameOf = (project: string): string => createHash('sha256').update(project).digest('hex').slice(0, 12);
