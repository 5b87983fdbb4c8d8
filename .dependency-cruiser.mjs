/*
 * Which room may import which. `npm run check` fails on any import that breaks a rule, type imports included.
 * The rooms are described in docs/change-it.md.
 */

/** The rooms of lib from the bottom up: a room imports itself and rooms that stand before it, and nothing else of ours. */
const ROOMS = [
  'errors',
  'html',
  'domain',
  'settings',
  'store',
  'stripe',
  'mail',
  'runtime',
  'operations',
  'http',
  'operators',
];
/** Neighbours on the same floor. */
const STRANGERS = [
  ['store', 'stripe'],
  ['store', 'mail'],
  ['stripe', 'mail'],
];

const room = (name) => `^lib/${name}(?:/|\\.ts$)`;

const upwards = ROOMS.slice(0, -1).map((name, floor) => ({
  name: `lib-${name}-imports-no-room-above`,
  severity: 'error',
  from: { path: room(name) },
  to: { path: ROOMS.slice(floor + 1).map(room) },
}));

const strangers = STRANGERS.flatMap(([one, other]) =>
  [
    [one, other],
    [other, one],
  ].map(([from, to]) => ({
    name: `lib-${from}-does-not-know-${to}`,
    severity: 'error',
    from: { path: room(from) },
    to: { path: room(to) },
  })),
);

const only = (name, from, pathNot, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { pathNot },
});

const never = (name, from, path, comment) => ({
  name,
  comment,
  severity: 'error',
  from,
  to: { path },
});

const INSTALLED = '^node_modules/';
const BUILT_IN = '^(?:node:)?[a-z_/]+$';
const AWS_SDK = '^node_modules/@aws-sdk/';
const STRIPE_SDK = '^node_modules/stripe/';

export default {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolvable-import',
      severity: 'error',
      from: {},
      // Types alone, without code; and what checks/stripe-sync and checks/bench install for themselves.
      to: { couldNotResolve: true, pathNot: '^(?:aws-lambda$|@electric-sql/|fastify$|pg$)' },
    },
    ...upwards,
    ...strangers,
    only(
      'domain-is-pure',
      '^lib/domain/',
      ['^lib/domain/', '^(?:node:)?crypto$'],
      'The rules know no AWS, no Stripe, no HTTP and no file.',
    ),
    only('lib-imports-lib-alone', '^lib/', ['^lib/', INSTALLED, BUILT_IN]),
    only('functions-import-lib-and-documents', '^functions/', ['^lib/', '^docs/', INSTALLED, BUILT_IN]),
    only('cli-does-not-know-local', '^cli/', [
      '^cli/',
      '^lib/',
      '^infrastructure/',
      INSTALLED,
      BUILT_IN,
      '^package\\.json$',
    ]),
    only('the-double-stands-alone', '^local/stripe-double/', ['^local/stripe-double/', INSTALLED, BUILT_IN]),
    only('infrastructure-imports-lib-alone', '^infrastructure/', [
      '^infrastructure/',
      '^lib/',
      INSTALLED,
      BUILT_IN,
    ]),
    never('only-the-store-knows-the-aws-sdk', { path: '^lib/', pathNot: '^lib/store/' }, AWS_SDK),
    never(
      'only-lib-stripe-knows-the-stripe-sdk',
      { path: '^(?:lib|functions)/', pathNot: '^lib/stripe/' },
      STRIPE_SDK,
    ),
    never(
      'operations-know-no-lambda',
      { path: '^lib/(?:domain|store|stripe|mail|operations)/' },
      '^(?:node_modules/)?(?:@middy/|@types/aws-lambda|aws-lambda)',
    ),
    never(
      'functions-count-and-log-through-the-reporter',
      { path: '^(?:functions|lib/operations)/' },
      '^lib/runtime/observe\\.ts$',
    ),
    only(
      'the-auditor-shares-no-rule-with-the-service',
      '^lib/operations/reconcile/auditor/',
      [
        '^lib/operations/reconcile/auditor/',
        '^lib/domain/(?:ledger\\.ts|ledger-records\\.ts|books/)',
        '^lib/store/(?:audit/(?:parts|return-work)|paging|table)\\.ts$',
        '^lib/stripe/(?:port/audit|fault)\\.ts$',
      ],
      'It reads the ledger and Stripe as data. A rule that both used could be wrong in both.',
    ),
    only(
      'the-auditor-reads-stripe-itself',
      '^lib/stripe/raw/',
      ['^lib/stripe/raw/', '^lib/stripe/(?:port/audit|port|paging|reference)\\.ts$', STRIPE_SDK],
      'No reader of the service stands between the auditor and Stripe.',
    ),
    never('tests-do-not-import-checks', { path: '^test/' }, '^checks/'),
    never(
      'code-does-not-import-its-tests',
      { path: '^(?:lib|functions|cli|infrastructure|local)/' },
      '^(?:test|checks)/',
    ),
    {
      name: 'deployed-code-needs-no-development-package',
      severity: 'error',
      from: { path: '^(?:lib|functions)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    // TypeScript 7 has no API that the tool could use; swc reads the same imports.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
