import { type Check, checked } from './check.ts';
import { type Package, titleOf } from './lock.ts';

/** Licences that require only attribution, so deployed code may contain them. */
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

/** Additional licences for tools. Tools are not distributed, so the terms of distribution do not apply. */
const TOOLS: ReadonlySet<string> = new Set([
  ...DEPLOYED,
  'BlueOak-1.0.0',
  // caniuse-lite: a table of browser features that requires attribution.
  'CC-BY-4.0',
  'MPL-2.0',
  'PSF-2.0',
  'Python-2.0',
  'Zlib',
]);

/** Whether an SPDX expression can be satisfied. Nested parentheses are not supported, and so not allowed. */
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
