/** Files that are mutated together, and the tests that must catch their mutants. */
export interface Part {
  readonly name: string;
  readonly mutated: readonly string[];
  /** In running order: first the tests that fail soonest for most mutants. */
  readonly tests: readonly string[];
  /** Functions read their settings once, so each test file that calls them loads our modules again. */
  readonly callsFunctions?: boolean;
}

const STORE_TESTS = ['test/store/*.test.ts'];

/** Operations on an in-process table and the Stripe stand-in. Most take less than 0.1 seconds. */
const OPERATION_TESTS = [
  'test/operations/*/{change-ledger,customer-rules,event-rules,order-rules}.test.ts',
  'test/operations/*/{card-tries,announced,billing-rules,kinds,sweeper-rules}.test.ts',
  'test/operations/*/{account-rules,renewals,account-truth,prices,sold-prices}.test.ts',
  'test/operations/*/{deliver-notice,low-balances,notices,return-double-payment}.test.ts',
  'test/operations/*/{invoice-value,returned-money,events}.test.ts',
];
/** Tests of concurrent calls and of the books of whole episodes. */
const LONG_TESTS = ['checks/mutation/*.spec.ts', 'test/operations/fixes/{concurrency,charging}.test.ts'];

export const PARTS: readonly Part[] = [
  {
    name: 'domain',
    mutated: ['lib/domain/**/*.ts'],
    tests: ['test/domain/*.test.ts', 'test/operations/payments/card-tries.test.ts'],
  },
  {
    name: 'store',
    mutated: ['lib/store/{conditions,in-time,keys,ledger}.ts', 'lib/store/wire/attributes.ts'],
    tests: STORE_TESTS,
  },
  {
    name: 'stripe',
    mutated: [
      'lib/stripe/{event,event-types,fault,rate-limited,reference,thin-event,translate-error}.ts',
      'lib/stripe/{rotated-key,timed}.ts',
    ],
    tests: ['test/stripe/{event,faults,event-reading,rate-limited,rotated-key,timed}.test.ts'],
  },
  {
    name: 'readers',
    mutated: ['lib/stripe/readers/*.ts', 'lib/stripe/{paging,prices}.ts'],
    tests: ['test/stripe/*-reading.test.ts'],
  },
  {
    name: 'billing',
    mutated: ['lib/operations/{fixes,ledger,payments}/*.ts', '!lib/operations/ledger/adjust-credits.ts'],
    tests: [
      'test/operations/ledger/change-ledger.test.ts',
      'test/operations/fixes/{announce-charge,report-billing,busy-card,billing-rules,record-fix}.test.ts',
      'test/operations/payments/{attempt,try-outcomes,payer,return-steps,card-tries,announced,return-double-payment}.test.ts',
      'test/operations/work/sweeper-rules.test.ts',
      'test/operations/plans/{order-rules,renewal-rules,renewals}.test.ts',
      'test/operations/accounts/account-rules.test.ts',
      'test/operations/events/{event-rules,events}.test.ts',
      ...LONG_TESTS,
    ],
  },
  {
    name: 'plans',
    mutated: [
      'lib/operations/plans/*.ts',
      'lib/operations/accounts/{add-payment-method,stripe-customer}.ts',
      'lib/operations/ledger/adjust-credits.ts',
    ],
    tests: [
      'test/operations/plans/{settlement,order-rules,renewal-rules,renewals,account-truth,prices,sold-prices}.test.ts',
      'test/operations/accounts/account-rules.test.ts',
      'test/operations/payments/{card-tries,announced}.test.ts',
      'test/operations/plans/{invoice-value,returned-money}.test.ts',
      'test/operations/*/{sweeper-rules,customer-rules,event-rules,notices}.test.ts',
    ],
  },
  {
    name: 'events',
    mutated: ['lib/operations/events/{apply-event,effects,owner,replay-event}.ts'],
    tests: [...OPERATION_TESTS, ...LONG_TESTS],
  },
  {
    name: 'customers',
    mutated: [
      'lib/operations/accounts/*.ts',
      '!lib/operations/accounts/{add-payment-method,stripe-customer}.ts',
      'lib/operations/{notices,work}/*.ts',
    ],
    tests: [
      ...OPERATION_TESTS,
      'test/operations/accounts/remove-test-customer.test.ts',
      ...LONG_TESTS,
      'test/operations/accounts/close-customer.test.ts',
    ],
  },
  {
    name: 'items',
    mutated: [
      'lib/store/{api-keys,closing,due-work,events,fix-attempts,guards,heads,notices}.ts',
      'lib/store/{orders,owners,paging,rate-limits,record,renewals,write}.ts',
      'lib/store/{evidence,payments}/*.ts',
    ],
    tests: [...STORE_TESTS, ...OPERATION_TESTS, ...LONG_TESTS],
  },
  {
    name: 'page',
    mutated: ['lib/operations/{access,cards,statement}/*.ts', 'lib/store/{access,outbox,statement}/*.ts'],
    tests: [
      'test/store/outbox.test.ts',
      'test/operations/access/sign-in.test.ts',
      'test/operations/accounts/card-sessions.test.ts',
      'test/operations/notices/{daily-letters,deliver-notice,notices}.test.ts',
      'test/http/{billing-page,billing-view,billing-settings,billing-card,unsubscribe}.test.ts',
    ],
    callsFunctions: true,
  },
];

/** The environment variable that names the part for this folder's vitest configuration. */
export const PART_VARIABLE = 'MUTATION_PART';
