import { type Check, checked } from './check.ts';
import { folderName, type Manifest, type Package } from './lock.ts';

/** An install script runs with the user's rights. package.json must list each one, and only these. */
export function checkInstallScripts(
  { allowScripts }: Manifest,
  packages: readonly Package[],
  name = 'install scripts',
): Check {
  const withScript = new Set(
    packages.filter(({ hasInstallScript }) => hasInstallScript === true).map(({ path }) => folderName(path)),
  );
  const named = Object.keys(allowScripts);
  const unnamed = [...withScript]
    .filter((one) => !named.includes(one))
    .map((one) => `${one} has an install script that allowScripts does not name`);
  const idle = named
    .filter((one) => !withScript.has(one))
    .map((one) => `allowScripts names ${one}, which has no install script`);
  const allowed = named.filter((one) => allowScripts[one] === true);
  const summary = `${withScript.size} packages have an install script; allowed: ${allowed.join(', ') || 'none'}`;
  return checked(name, summary, [...unnamed, ...idle]);
}
