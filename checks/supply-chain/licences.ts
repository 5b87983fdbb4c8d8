import { type Check, checked } from './check.ts';
import { type Package, titleOf } from './lock.ts';

/** They ask for no more than to be named: what we deploy may contain them. */
const DEPLOYED: ReadonlySet<string> = new Set([
  'MIT',
  'MIT-0',
  'Apache-2.0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'CC0-1.0',
]);

/** For tools besides: they are used and not passed on, so what they ask of those who pass them on does not arise. */
const TOOLS: ReadonlySet<string> = new Set([
  ...DEPLOYED,
  'BlueOak-1.0.0',
  // caniuse-lite: a table of what browsers can do, by somebody who wants to be named with it.
  'CC-BY-4.0',
  'MPL-2.0',
  'PSF-2.0',
  'Python-2.0',
  'Zlib',
]);

/** Whether an SPDX expression can be met. One with inner parentheses is not understood, and so not allowed. */
export function isAllowed(expression: string, allowed: ReadonlySet<string>): boolean {
  const plain = /^\(([^()]*)\)$/.exec(expression)?.[1] ?? expression;
  return plain.split(' OR ').some((choice) => choice.split(' AND ').every((licence) => allowed.has(licence)));
}

/** How many packages have each licence, the most frequent first. */
export function countLicences(packages: readonly Package[]): [licence: string, count: number][] {
  const groups = Map.groupBy(packages, ({ license }) => license ?? 'none');
  return [...groups]
    .map(([licence, { length }]): [string, number] => [licence, length])
    .sort(([, a], [, b]) => b - a);
}

export function checkLicences(packages: readonly Package[], name = 'licences'): Check {
  const findings = packages.flatMap((one) => {
    const { license, isRuntime } = one;
    if (license !== undefined && isAllowed(license, isRuntime ? DEPLOYED : TOOLS)) return [];
    return `${titleOf(one)}, which ${isRuntime ? 'is deployed' : 'is a tool'}, has the licence ${license ?? 'none'}`;
  });
  const kinds = countLicences(packages).length;
  return checked(name, `${packages.length} packages, ${kinds} licences or combinations`, findings);
}
