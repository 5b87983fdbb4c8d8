import { optionsOf, runCheck } from '../support/program.ts';
import { textTable } from '../support/text-table.ts';
import { checkAdvisories } from './advisories.ts';
import { checkBillOfMaterials } from './bill-of-materials.ts';
import type { Check } from './check.ts';
import { checkInstallScripts } from './install-scripts.ts';
import { checkLicences, countLicences } from './licences.ts';
import { readLock, readManifest, TOOL_FOLDERS } from './lock.ts';
import { checkPinned } from './pinned.ts';
import { runtimeDependencies } from './runtime.ts';

const USAGE = `npm run check:supply-chain -- [--json]    the installed packages, their sources and licences: 10 seconds

Prints tables, or JSON with --json. Fails if a check fails. A check that cannot run is "not checked".
Needs npm and its registry. docs/checks/supply-chain.md explains each check.`;

const { json } = optionsOf(USAGE, { json: { type: 'boolean', default: false } });

const manifest = readManifest();
const packages = readLock();
const checks: readonly Check[] = [
  checkPinned(manifest, packages),
  checkInstallScripts(manifest, packages),
  checkLicences(packages),
  checkBillOfMaterials(packages),
  checkAdvisories(packages),
  ...TOOL_FOLDERS.flatMap(checksOfTools),
];
const runtime = runtimeDependencies(manifest, packages);
const licences = {
  deployed: countLicences(packages.filter(({ isRuntime }) => isRuntime)),
  tools: countLicences(packages.filter(({ isRuntime }) => !isRuntime)),
};

if (json) {
  console.log(JSON.stringify({ checks, runtime, licences }, null, 2));
} else {
  print();
}
await runCheck(() => checks.every(({ state }) => state !== 'failed'));

/** The checks for another lock file, whose packages are never deployed. */
function checksOfTools(folder: string): Check[] {
  const tools = readManifest(folder);
  const those = readLock(folder).map((one) => ({ ...one, isRuntime: false }));
  return [
    checkPinned(tools, those, `${folder}: pinned`),
    checkInstallScripts(tools, those, `${folder}: install scripts`),
    checkLicences(those, `${folder}: licences`),
  ];
}

function print(): void {
  const sizes = runtime.map((one) => [
    one.name,
    one.version,
    one.licence,
    String(one.packages),
    String(one.onlyHere),
    String(one.kilobytes),
  ]);
  console.log(textTable(['runtime dependency', 'version', 'licence', 'packages', 'only here', 'KiB'], sizes));
  const shown = ([licence, count]: [string, number]) => `${count} ${licence}`;
  console.log(`\ndeployed: ${licences.deployed.map(shown).join(', ')}`);
  console.log(`tools: ${licences.tools.map(shown).join(', ')}\n`);
  console.log(
    textTable(
      ['check', 'state', 'what'],
      checks.map(({ name, state, summary }) => [name, state, summary]),
    ),
  );
  for (const { name, findings } of checks) for (const finding of findings) console.log(`${name}: ${finding}`);
  const count = (state: Check['state']) => checks.filter((check) => check.state === state).length;
  console.log(`\n${count('passed')} passed, ${count('failed')} failed, ${count('not checked')} not checked`);
}
