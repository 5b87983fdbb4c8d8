/** Files that are mutated together, and the tests that have to notice. */
export interface Part {
  readonly name: string;
  readonly mutated: readonly string[];
  readonly tests: readonly string[];
  /** Short enough to be run for every change; the others run with `--all`. */
  readonly isForEveryChange: boolean;
}

const STORE_TESTS = ['test/store/*.test.ts'];

/** The operations on a table in this process, and on Stripe's double; few of them take more than a tenth of a second. */
const OPERATION_TESTS = [
  ...STORE_TESTS,
  'test/operations/{account-rules,billing-rules,customer-rules,event-rules,order-rules,sweeper-rules}.test.ts',
  'test/operations/{change-ledger,charging,concurrency}.test.ts',
  'test/operations/{deliver-notice,events,low-balances,notices,returned-money}.test.ts',
  'test/mutation/*.spec.ts',
];

export const PARTS: readonly Part[] = [
  {
    name: 'domain',
    // The report's text is words alone.
    mutated: ['lib/domain/*.ts', '!lib/domain/reconciliation-text.ts'],
    tests: ['test/domain/*.test.ts'],
    isForEveryChange: true,
  },
  {
    name: 'store',
    mutated: ['lib/store/{conditions,ledger}.ts'],
    tests: STORE_TESTS,
    isForEveryChange: true,
  },
  {
    name: 'stripe',
    mutated: ['lib/stripe/{event,event-types,facts,fault,translate-error}.ts'],
    tests: ['test/stripe/reading.test.ts'],
    isForEveryChange: false,
  },
  {
    name: 'billing',
    mutated: [
      'lib/operations/{bill-fix-attempt,change-ledger,charge-fix,retry-contended,return-double-payment}.ts',
      'lib/operations/{settle-fix-payment}.ts',
    ],
    tests: OPERATION_TESTS,
    isForEveryChange: false,
  },
  {
    name: 'money',
    mutated: [
      'lib/operations/{add-payment-method,adjust-credits,cancel-subscription,grant-invoice}.ts',
      'lib/operations/{reverse-returned-money,stripe-customer,subscribe-to-pro,sync-account}.ts',
    ],
    tests: OPERATION_TESTS,
    isForEveryChange: false,
  },
  {
    name: 'events',
    mutated: ['lib/operations/apply-event.ts'],
    tests: OPERATION_TESTS,
    isForEveryChange: false,
  },
  {
    name: 'customers',
    mutated: [
      'lib/operations/{api-keys,close-customer,deliver-notice,onboard-customer,warn-low-balances}.ts',
      'lib/operations/settle-pending-charges.ts',
    ],
    tests: [...OPERATION_TESTS, 'test/operations/close-customer.test.ts'],
    isForEveryChange: false,
  },
  {
    name: 'items',
    mutated: [
      'lib/store/{api-keys,closing,due-work,fix-attempts,notices,rate-limits}.ts',
      'lib/store/{stripe-bindings,stripe-items}.ts',
    ],
    tests: OPERATION_TESTS,
    isForEveryChange: false,
  },
];

/** Names the part to the vitest configuration of this folder. */
export const PART_VARIABLE = 'MUTATION_PART';
