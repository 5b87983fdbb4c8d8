import { optionsOf, runCheck } from '../support/program.ts';
import { textTable } from '../support/text-table.ts';
import { type Bundle, bundle, packageOf, readBundlePlan } from './bundle-functions.ts';

const USAGE = `npm run check:bundles    the size of each deployed function: 10 seconds

Fails if a function exceeds its budget, if an excluded package is bundled, or if a file is missing or misnamed.
Needs only the install.`;

const BYTES_IN_KB = 1_000;
const BUDGET_KB = 240;
const BUDGET_WITH_STRIPE_KB = 560;
const PACKAGES_SHOWN = 5;

/** Each source of credentials has its own package. On Lambda the credentials are in the environment. */
const CREDENTIAL_SOURCE = /credential-provider-|\/token-providers$|\/nested-clients$|\/client-(?:sso|sts)/;
const CREDENTIALS_ON_LAMBDA: ReadonlySet<string> = new Set([
  '@aws-sdk/credential-provider-env',
  '@aws-sdk/credential-provider-node', // the chain, which asks the environment first
]);
/** Data that onboarding ships beside its bundle. */
const EMAIL_LIST = 'disposable-email-domains-js';

interface Sized {
  readonly name: string;
  readonly bytes: number;
  readonly bytesAtStart: number;
  readonly budgetKb: number;
  readonly bytesByPackage: ReadonlyMap<string, number>;
  /** Packages that the function needs at start and that are not packed with it. */
  readonly missing: readonly string[];
  /** Files packed with every function, because their names do not start with this function's name. */
  readonly misnamed: readonly string[];
}

optionsOf(USAGE, {});
const plan = readBundlePlan();
const sized = await Promise.all(
  plan.functions.map(async ({ name, entry, patterns }): Promise<Sized> => {
    const built = await bundle(plan, entry, { folder: 'functions', write: false });
    const bytesByPackage = sumByPackage(built);
    const missing = built.asksFor
      .filter(({ name, atStart }) => atStart && !patterns.includes(`node_modules/${name}/**`))
      .map(({ name }) => name);
    return {
      name,
      bytes: built.bytes,
      bytesAtStart: built.bytesAtStart,
      budgetKb: bytesByPackage.has('stripe') ? BUDGET_WITH_STRIPE_KB : BUDGET_KB,
      bytesByPackage,
      missing,
      misnamed: built.files.filter((file) => !file.startsWith(`${name}.`)),
    };
  }),
);
const [largest] = sized.toSorted((a, b) => b.bytes - a.bytes);
const isOver = ({ bytes, budgetKb }: Sized) => bytes > budgetKb * BYTES_IN_KB;
const kb = (bytes: number) => (bytes / BYTES_IN_KB).toFixed(1);

console.log(
  textTable(
    ['function', 'kB', 'of them at start', 'budget', 'result'],
    sized.map((one) => [
      one.name,
      kb(one.bytes),
      kb(one.bytesAtStart),
      `${one.budgetKb}`,
      isOver(one) ? 'over' : 'ok',
    ]),
  ),
);
if (largest !== undefined) {
  const packages = [...largest.bytesByPackage].sort(([, a], [, b]) => b - a).slice(0, PACKAGES_SHOWN);
  console.log(`\nThe largest packages in ${largest.name}:`);
  console.log(
    textTable(
      ['package', 'kB'],
      packages.map(([name, bytes]) => [name, kb(bytes)]),
    ),
  );
}

const problems = [...oversized(), ...strangers(), ...missing(), ...misnamed()];
await runCheck(() => {
  for (const problem of problems) console.log(`\n✗ ${problem}`);
  console.log(`\n${sized.length} functions, ${problems.length} problems`);
  return problems.length === 0 && sized.length > 0;
});

function oversized(): string[] {
  return sized
    .filter(isOver)
    .map(({ name, bytes, budgetKb }) => `${name} is ${kb(bytes)} kB; its budget is ${budgetKb} kB.`);
}

/** Excluded packages that a bundle contains. */
function strangers(): string[] {
  const isStranger = (name: string) =>
    name === EMAIL_LIST ||
    plan.excluded.includes(name) ||
    (CREDENTIAL_SOURCE.test(name) && !CREDENTIALS_ON_LAMBDA.has(name));
  const found = new Set(sized.flatMap(({ bytesByPackage }) => [...bytesByPackage.keys()].filter(isStranger)));
  return [...found].map((name) => {
    const holders = sized.filter(({ bytesByPackage }) => bytesByPackage.has(name)).map((one) => one.name);
    return `${name} is bundled in ${holders.join(', ')}. Add it, or its importer, to custom.esbuild.exclude (serverless.yml).`;
  });
}

function missing(): string[] {
  return sized.flatMap(({ name, missing }) =>
    missing.map(
      (needed) => `${name} loads ${needed} when it starts; add it to its package.patterns (serverless.yml).`,
    ),
  );
}

function misnamed(): string[] {
  return sized.flatMap(({ name, misnamed }) =>
    misnamed.map((file) => `${name} imports ${file}, which is not named after it (esbuild-plugins.ts).`),
  );
}

function sumByPackage({ bytesBySource }: Bundle): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [source, bytes] of bytesBySource) {
    const name = packageOf(source);
    sums.set(name, (sums.get(name) ?? 0) + bytes);
  }
  return sums;
}
