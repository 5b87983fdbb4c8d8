import { createHash } from 'node:crypto';
import { accessSync, constants, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import { errorCode, reasonOf, SetupError } from '../../lib/settings/setup-error.ts';

const MODE = 0o700;

/**
 * Where a stack builds, and keeps what may be lost: .cache in the project. Where that cannot be written, as in a read-only
 * checkout, a folder of this user in the system's temporary folder.
 * @throws SetupError in one line when neither can be written
 */
export function stateFolder(project = PROJECT_ROOT, temporary = tmpdir()): string {
  const usual = join(project, '.cache');
  const other = join(temporary, `rsolv-billing-${userId()}-${nameOf(project)}`);
  const refusals: string[] = [];
  for (const make of [() => usable(usual), () => privateFolder(other, project)]) {
    try {
      return make();
    } catch (error) {
      if (errorCode(error) === undefined && !(error instanceof SetupError)) throw error;
      refusals.push(reasonOf(error));
    }
  }
  throw new SetupError(
    `Neither ${usual} nor ${other} can be written: ${refusals.join('; ')}. Make one writable, or set TMPDIR.`,
  );
}

function usable(folder: string): string {
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK | constants.X_OK);
  return folder;
}

/** Others can write to the temporary folder too: a folder of another user is refused. */
function privateFolder(folder: string, project: string): string {
  mkdirSync(folder, { recursive: true, mode: MODE });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== userId())
    throw new SetupError(`${folder} belongs to another user`);
  // The functions that are built here import their libraries from above.
  const link = join(folder, 'node_modules');
  rmSync(link, { force: true });
  symlinkSync(join(project, 'node_modules'), link, 'dir');
  return folder;
}

const userId = (): number => process.getuid?.() ?? 0;
const nameOf = (project: string): string => createHash('sha256').update(project).digest('hex').slice(0, 12);
