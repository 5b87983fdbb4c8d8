import { type Check, checked } from './check.ts';
import { type Manifest, type Package, titleOf } from './lock.ts';

/** Also matches an alias such as `npm:name@1.2.3`. */
const EXACT = /^(npm:(@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(-[\w.-]+)?$/;
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;

/** Every installation gets exactly the reviewed packages. */
export function checkPinned(manifest: Manifest, packages: readonly Package[], name = 'pinned'): Check {
  const { dependencies, devDependencies, optionalDependencies = {} } = manifest;
  const direct = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
  const ranges = direct
    .filter(([, version]) => !EXACT.test(version))
    .map(([one, version]) => `package.json has a range for ${one}: ${version}`);
  const unhashed = packages
    .filter(({ integrity }) => !SHA512.test(integrity ?? ''))
    .map((one) => `${titleOf(one)} has no SHA-512 in the lock file`);
  const elsewhere = packages
    .filter(({ resolved }) => resolved !== undefined)
    .map((one) => `${titleOf(one)} names a source address; the hash alone must identify it`);
  return checked(name, `${direct.length} direct dependencies, ${packages.length} packages in the lock file`, [
    ...ranges,
    ...unhashed,
    ...elsewhere,
  ]);
}
