/*
 * All checks of the project in one table: what each proves, how it runs, and when. `.ci/run` and
 * `.ci/nightly` read the table, and docs/checks.md explains it.
 */

interface Common {
  readonly name: string;
  /** Completes "It proves that …". */
  readonly proves: string;
  /** A shell command, run in the project's folder. `$FREE_PORT` is an unused port. */
  readonly command: string;
  /** After this time the step is stopped and counts as failed. */
  readonly limitMinutes: number;
}

/** Runs before every change lands. */
export interface RunStep extends Common {
  readonly tier: 'run';
}

/** Runs at night. Its result is committed, and stays valid until covered content changes. */
export interface NightlyStep extends Common {
  readonly tier: 'nightly';
  /** Globs of the files that the result depends on. `DEPENDENCIES` stands for the deployed versions. */
  readonly covers: readonly string[];
  /** `.ci/run` also runs the step if its result is stale. */
  readonly isCheap?: true;
  /** Needs the machine for itself, because it measures time or uses every core. */
  readonly isAlone?: true;
}

export type Step = RunStep | NightlyStep;

/** Stands for the `dependencies` of package.json, in place of a glob. */
export const DEPENDENCIES = 'package.json#dependencies';

const SERVICE = ['lib/**', 'functions/*.ts', DEPENDENCIES];
const RULES = ['lib/{domain,operations,store,stripe}/**', DEPENDENCIES];
const STRIPE_DOUBLE = 'local/stripe-double/**';
const STACK = ['local/**', 'cli/stage/**', 'infrastructure/**', 'serverless.yml'];
const TEST_SUPPORT = 'test/support/**';

/** In each tier the longest steps start first, so that both lanes end together. */
export const STEPS: readonly Step[] = [
  {
    name: 'engines',
    proves:
      "the store and the money journeys work on AWS's own DynamoDB Local, and the table model answers like it",
    command: 'npm run --silent check:engines',
    tier: 'run',
    limitMinutes: 12,
  },
  {
    name: 'simulation: fixed seed',
    proves: '100,000 operations with every fault lose and double nothing, the same ones each time',
    command: 'npm run --silent check:simulation -- --seed 2026 --ops 100000',
    tier: 'run',
    limitMinutes: 12,
  },
  {
    name: 'simulation: fresh seed',
    proves: '100,000 operations that were never tried before lose and double nothing',
    command: 'npm run --silent check:simulation -- --ops 100000',
    tier: 'run',
    limitMinutes: 12,
  },
  {
    name: 'template',
    proves:
      'the packaged CloudFormation has the permissions, protections and routes that we promise, and its alarms sound when they should and never otherwise',
    command: 'npm run --silent check:template',
    tier: 'run',
    limitMinutes: 15,
  },
  {
    name: 'stripe-mock',
    proves: "Stripe's own description of its API accepts every call that the service makes",
    command: 'npm run --silent check:stripe-mock',
    tier: 'run',
    limitMinutes: 8,
  },
  {
    name: 'stripe-openapi',
    proves: "the double's answers and events are what Stripe's description and the SDK's types say",
    command: 'npm run --silent check:stripe-openapi',
    tier: 'run',
    limitMinutes: 5,
  },
  {
    name: 'pages',
    proves:
      'every page of the local stack works in a browser on a phone and a desk, and axe finds no violation',
    command: 'npm run --silent check:pages',
    tier: 'run',
    limitMinutes: 10,
  },
  {
    name: 'types',
    proves: 'the compiler accepts every file',
    command: 'npm run --silent check:types',
    tier: 'run',
    limitMinutes: 3,
  },
  {
    name: 'lint',
    proves: 'every file is formatted and free of lint',
    command: 'npm run --silent check:lint',
    tier: 'run',
    limitMinutes: 3,
  },
  {
    name: 'dependencies',
    proves: 'no import cycle, no import upwards, and every room imports only what it may',
    command: 'npm run --silent check:dependencies',
    tier: 'run',
    limitMinutes: 3,
  },
  {
    name: 'openapi',
    proves: 'docs/openapi.json is what the contracts say',
    command: 'npm run --silent check:openapi',
    tier: 'run',
    limitMinutes: 3,
  },
  {
    name: 'mutation',
    proves: 'a test fails for nearly every change of the rules and sagas, and no changed file gets worse',
    command: 'npm run --silent check:mutation -- --changed --minutes 25 --write',
    tier: 'nightly',
    isAlone: true,
    covers: [
      ...RULES,
      'test/{domain,operations,store,stripe}/**',
      TEST_SUPPORT,
      'checks/mutation/**/*.ts',
      STRIPE_DOUBLE,
    ],
    limitMinutes: 55,
  },
  {
    name: 'crash',
    proves: 'a process killed at any call of any saga leaves money and credits right, and nothing stuck',
    command: 'npm run --silent check:crash',
    tier: 'nightly',
    covers: [...SERVICE, 'checks/crash/**', TEST_SUPPORT, STRIPE_DOUBLE],
    limitMinutes: 30,
  },
  {
    name: 'stack',
    proves: 'the local stack and the command line start, stop, restart and report failures as documented',
    command: 'npm run --silent check:stack',
    tier: 'nightly',
    covers: [...SERVICE, ...STACK, 'cli/**', 'checks/stack/**', TEST_SUPPORT],
    limitMinutes: 20,
  },
  {
    name: 'engines: all tests',
    proves:
      "every test of operations and calls passes on AWS's own DynamoDB Local as it does on the table model",
    command: 'npm run --silent check:engines -- --all',
    tier: 'nightly',
    covers: [...SERVICE, 'test/{http,operations,store,support}/**', STRIPE_DOUBLE],
    limitMinutes: 30,
  },
  {
    name: 'dates',
    proves: 'every test of rules, operations and calls passes on the days of the calendar that differ most',
    command: 'npm run --silent check:dates',
    tier: 'nightly',
    covers: [...SERVICE, 'test/**', 'checks/dates/**', STRIPE_DOUBLE],
    limitMinutes: 25,
  },
  {
    name: 'faults',
    proves: 'an engine or a Stripe that stalls longer than a client waits loses and doubles nothing',
    command: 'npm run --silent check:faults',
    tier: 'nightly',
    isCheap: true,
    covers: [...SERVICE, 'checks/faults/**', TEST_SUPPORT],
    limitMinutes: 10,
  },
  {
    name: 'fuzz',
    proves: 'no request outside or inside the API document makes the service answer anything undocumented',
    command: 'npm run --silent check:fuzz',
    tier: 'nightly',
    covers: [...SERVICE, 'docs/openapi.json', 'checks/fuzz/**', TEST_SUPPORT, STRIPE_DOUBLE],
    limitMinutes: 30,
  },
  {
    name: 'simulation: nightly',
    proves: '200,000 operations of a fresh seed lose and double nothing',
    command: 'npm run --silent check:simulation -- --ops 200000',
    tier: 'nightly',
    covers: [...RULES, 'checks/simulation/**', TEST_SUPPORT, STRIPE_DOUBLE],
    limitMinutes: 20,
  },
  {
    name: 'deliberate bugs',
    proves: 'the simulation finds each known bug and each old rule that is put into the service',
    command: 'npm run --silent check:simulation -- --bugs',
    tier: 'nightly',
    isCheap: true,
    covers: [
      ...RULES,
      'checks/simulation/**',
      'checks/auditor/{old-rules,elsewhere}.ts',
      TEST_SUPPORT,
      STRIPE_DOUBLE,
    ],
    limitMinutes: 15,
  },
  {
    name: 'conditions',
    proves: 'a test fails for each condition of the store that is removed',
    command: 'npm run --silent check:conditions',
    tier: 'nightly',
    isCheap: true,
    covers: ['lib/{domain,store}/**', DEPENDENCIES, 'test/store/**', TEST_SUPPORT, 'checks/conditions/**'],
    limitMinutes: 10,
  },
  {
    name: 'stripe-cli',
    proves: "the double takes what Stripe's own command line sends and records the events that it triggers",
    command: 'npm run --silent check:stripe-cli',
    tier: 'nightly',
    covers: [STRIPE_DOUBLE, 'lib/stripe/event-types.ts', 'checks/stripe-cli/**'],
    limitMinutes: 10,
  },
  {
    name: 'auditor',
    proves: 'the auditor names each reported fault of money when its old rule is put back, and nothing today',
    command: 'npm run --silent check:auditor',
    tier: 'nightly',
    isCheap: true,
    covers: [...RULES, STRIPE_DOUBLE, 'checks/auditor/**', TEST_SUPPORT],
    limitMinutes: 10,
  },
  {
    name: 'large customer',
    proves: 'a customer with 100,000 fixes stops neither the nightly reconciliation nor their own closing',
    command: 'npm run --silent check:large-customer',
    tier: 'nightly',
    covers: ['lib/operations/{accounts,reconcile,work}/**', 'lib/store/**', 'checks/large-customer/**'],
    limitMinutes: 20,
  },
  {
    name: 'stripe-python',
    proves:
      "Stripe's Python client verifies what the double delivers, and dj-stripe copies every kind that it has",
    command: 'npm run --silent check:stripe-python',
    tier: 'nightly',
    covers: [STRIPE_DOUBLE, 'checks/stripe-openapi/{scenario*,delivered}.ts', 'checks/stripe-python/**'],
    limitMinutes: 20,
  },
  {
    name: 'stripe-sync',
    proves: 'Stripe Sync Engine handles every event of the double and copies every kind that it has',
    command: 'npm run --silent check:stripe-sync',
    tier: 'nightly',
    isCheap: true,
    covers: [
      STRIPE_DOUBLE,
      'checks/stripe-openapi/{scenario*,delivered}.ts',
      'checks/stripe-sync/*.{ts,mjs,json}',
    ],
    limitMinutes: 10,
  },
  {
    name: 'demo',
    proves: "two customers' journey works on a stack that starts for it, and ledger and Stripe agree",
    command: 'PORT=$FREE_PORT npm run --silent demo',
    tier: 'nightly',
    isCheap: true,
    covers: [...SERVICE, ...STACK],
    limitMinutes: 5,
  },
  {
    name: 'bundles',
    proves: 'no function is larger than its budget, and nothing is bundled that must stay out',
    command: 'npm run --silent check:bundles',
    tier: 'nightly',
    isCheap: true,
    covers: [...SERVICE, 'serverless.yml', 'esbuild-plugins.ts', 'checks/budgets/**'],
    limitMinutes: 5,
  },
  {
    name: 'deploy',
    proves:
      'the packaged template deploys, updates and goes on an emulator of AWS, and every role is large enough and enforced',
    command: 'PORT=$FREE_PORT npm run --silent check:deploy',
    tier: 'nightly',
    covers: [
      ...SERVICE,
      'cli/**',
      'infrastructure/**',
      'serverless.yml',
      'esbuild-plugins.ts',
      'checks/deploy/**',
      STRIPE_DOUBLE,
    ],
    limitMinutes: 15,
  },
  {
    name: 'supply chain',
    proves:
      'every package is pinned, its licence and install script are known, and no known vulnerability is deployed',
    command: 'npm run --silent check:supply-chain',
    tier: 'nightly',
    isCheap: true,
    covers: [
      'package.json',
      'package-lock.json',
      'checks/{mutation,stripe-sync,bench/side-by-side}/package*.json',
      'checks/supply-chain/**',
    ],
    limitMinutes: 5,
  },
  {
    name: 'load',
    proves: 'the stack under load, killed every 30 seconds, loses and doubles nothing',
    command: 'npm run --silent check:load -- --seconds 120 --kill-every 30',
    tier: 'nightly',
    isAlone: true,
    covers: [...SERVICE, ...STACK, 'checks/load/**'],
    limitMinutes: 10,
  },
  {
    name: 'bench',
    proves:
      'calls, capacity and contention stay within their budgets, and says how a plain PostgreSQL server compares',
    command: 'npm run --silent check:bench',
    tier: 'nightly',
    isAlone: true,
    covers: [...SERVICE, 'checks/bench/**', 'esbuild-plugins.ts', 'serverless.yml'],
    limitMinutes: 25,
  },
];
