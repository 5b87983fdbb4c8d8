import { type Check, checked } from './check.ts';
import { folderName, type Manifest, type Package } from './lock.ts';

/** An install script runs with all rights of who installs: each is named in package.json, allowed or not, and no other is. */
export function checkInstallScripts({ allowScripts }: Manifest, packages: readonly Package[]): Check {
  const withScript = new Set(
    packages.filter(({ hasInstallScript }) => hasInstallScript === true).map(({ path }) => folderName(path)),
  );
  const named = Object.keys(allowScripts);
  const unnamed = [...withScript]
    .filter((name) => !named.includes(name))
    .map((name) => `${name} has an install script that allowScripts does not name`);
  const idle = named
    .filter((name) => !withScript.has(name))
    .map((name) => `allowScripts names ${name}, which has no install script`);
  const allowed = named.filter((name) => allowScripts[name] === true);
  return checked('install scripts', `${withScript.size} packages have one; allowed: ${allowed.join(', ')}`, [
    ...unnamed,
    ...idle,
  ]);
}
