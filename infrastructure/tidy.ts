import { referencesIn, type Template } from './template.ts';

/** The role that the framework makes for functions without one of their own. */
const SHARED_ROLE = 'IamRoleLambdaExecution';

/**
 * Takes out what the framework adds for nobody: its shared role, which may write every function's log, once no function has
 * it; and dependencies that a reference states already.
 */
export function tidy({ Resources }: Template): void {
  const inUse = Object.values(Resources).some(({ Properties }) => referencesIn(Properties).has(SHARED_ROLE));
  if (!inUse) delete Resources[SHARED_ROLE];

  for (const resource of Object.values(Resources)) {
    if (resource.DependsOn === undefined) continue;
    const stated = referencesIn(resource.Properties);
    const needed = [resource.DependsOn].flat().filter((name) => !stated.has(name));
    if (needed.length > 0) resource.DependsOn = needed;
    else delete resource.DependsOn;
  }
}
