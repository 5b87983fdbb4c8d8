import { referencesIn, type Template } from './template.ts';

/** The role that the framework creates for functions without their own role. */
const SHARED_ROLE = 'IamRoleLambdaExecution';

/**
 * Removes superfluous parts of the framework's template: its shared role, which may write every function's
 * log, if no function uses it, and dependencies that a reference already implies.
 */
export function tidy({ Resources }: Template): void {
  const inUse = Object.values(Resources).some(({ Properties }) => referencesIn(Properties).has(SHARED_ROLE));
  if (!inUse) delete Resources[SHARED_ROLE];

  for (const resource of Object.values(Resources)) {
    if (resource.DependsOn === undefined) continue;
    const implied = referencesIn(resource.Properties);
    const needed = [resource.DependsOn].flat().filter((name) => !implied.has(name));
    if (needed.length > 0) resource.DependsOn = needed;
    else delete resource.DependsOn;
  }
}
