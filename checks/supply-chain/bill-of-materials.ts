import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { type Check, checked } from './check.ts';
import { type Package, titleOf } from './lock.ts';
import { npmJson } from './npm.ts';

const FOLDER = join('.cache', 'sbom');

const Bill = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.string().check(z.regex(/^1\.\d$/)),
  metadata: z.looseObject({ component: z.looseObject({ 'bom-ref': z.string() }) }),
  components: z.array(z.looseObject({ 'bom-ref': z.string() })),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()) })),
});
type Bill = z.output<typeof Bill>;

const Component = z.looseObject({
  name: z.string().check(z.minLength(1)),
  version: z.string().check(z.minLength(1)),
  purl: z.string().check(z.startsWith('pkg:npm/')),
  licenses: z.array(
    z.union([z.object({ license: z.looseObject({}) }), z.object({ expression: z.string() })]),
  ),
  hashes: z.array(
    z.object({ alg: z.literal('SHA-512'), content: z.string().check(z.regex(/^[0-9a-f]{128}$/)) }),
  ),
});

const WithoutHash = z.omit(Component, { hashes: true });

const Extraneous = z.looseObject({
  name: z.string().check(z.regex(/^node-\w+-\w+$/)),
  properties: z.array(z.object({ name: z.string(), value: z.string() })),
});

/** The install script of package `node` fetches a build outside the lock file, so npm has no hash of it. */
function isFromNode(component: Bill['components'][number]): boolean {
  const { data } = Extraneous.safeParse(component);
  return (
    data?.properties.some(({ name, value }) => name === 'cdx:npm:package:extraneous' && value === 'true') ??
    false
  );
}

/**
 * Writes the software bill of materials of all packages and of the deployed ones, and compares it with the
 * lock file. npm makes it from the installed packages. It must list every required package with version,
 * licence and hash.
 */
export function checkBillOfMaterials(packages: readonly Package[]): Check {
  const made = Bill.safeParse(npmJson('sbom', '--sbom-format=cyclonedx'));
  if (!made.success)
    return checked(NAME, 'none', ['npm sbom returned no CycloneDX document. Run npm ci, then npm sbom.']);
  const runtime = packages.filter(({ isRuntime }) => isRuntime);
  const required = packages.filter(({ optional, devOptional }) => optional !== true && devOptional !== true);
  const all = save('all', made.data);
  const deployed = save('deployed', only(made.data, new Set(runtime.map(titleOf))));
  return checked(NAME, `${all}; ${deployed}`, [
    ...made.data.components.flatMap(faultsOf),
    ...missingFrom(made.data, required),
  ]);
}

const NAME = 'bill of materials';

/** Used instead of npm's `--omit=dev`, which also omits packages that a tool needs. */
function only(bill: Bill, references: ReadonlySet<string>): Bill {
  const root = bill.metadata.component['bom-ref'];
  const isIn = (reference: string) => references.has(reference);
  return {
    ...bill,
    components: bill.components.filter((component) => isIn(component['bom-ref'])),
    dependencies: bill.dependencies
      .filter(({ ref }) => ref === root || isIn(ref))
      .map((dependency) => ({ ...dependency, dependsOn: dependency.dependsOn.filter(isIn) })),
  };
}

function save(name: string, bill: Bill): string {
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${name}.cdx.json`);
  writeFileSync(file, `${JSON.stringify(bill, null, 2)}\n`);
  return `${file} with ${bill.components.length} components`;
}

function faultsOf(component: Bill['components'][number]): string[] {
  const { error } = (isFromNode(component) ? WithoutHash : Component).safeParse(component);
  const faults = error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
  return faults.map((fault) => `${component['bom-ref']}: ${fault}`);
}

function missingFrom({ components }: Bill, expected: readonly Package[]): string[] {
  const listed = new Set(components.map((component) => component['bom-ref']));
  return expected.filter((one) => !listed.has(titleOf(one))).map((one) => `${titleOf(one)} is not listed`);
}
