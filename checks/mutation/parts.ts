/** Files that are mutated together, and the tests that have to notice. */
export interface Part {
  readonly name: string;
  readonly mutated: readonly string[];
  readonly tests: readonly string[];
}

const STORE_TESTS = ['test/store/*.test.ts'];

/** The operations on a table in this process, and on Stripe's double; few of them take more than a tenth of a second. */
const OPERATION_TESTS = [
  ...STORE_TESTS,
  'test/operations/*/{account-rules,billing-rules,customer-rules,event-rules,order-rules,sweeper-rules}.test.ts',
  'test/operations/*/{change-ledger,charging,concurrency}.test.ts',
  'test/operations/*/{deliver-notice,events,low-balances,notices,return-double-payment,returned-money}.test.ts',
  'checks/mutation/*.spec.ts',
];

export const PARTS: readonly Part[] = [
  {
    name: 'domain',
    mutated: ['lib/domain/*.ts'],
    tests: ['test/domain/*.test.ts'],
  },
  {
    name: 'store',
    mutated: ['lib/store/{conditions,ledger}.ts'],
    tests: STORE_TESTS,
  },
  {
    name: 'stripe',
    mutated: [
      'lib/stripe/{event,event-types,fault,reference,translate-error}.ts',
      'lib/stripe/readers/payments.ts',
    ],
    tests: ['test/stripe/reading.test.ts'],
  },
  {
    name: 'billing',
    mutated: [
      'lib/operations/fixes/{bill-fix-attempt,charge-fix,record-payment}.ts',
      'lib/operations/ledger/{change-ledger,retry-contended}.ts',
      'lib/operations/payments/return-double-payment.ts',
    ],
    tests: OPERATION_TESTS,
  },
  {
    name: 'money',
    mutated: [
      'lib/operations/accounts/{add-payment-method,stripe-customer}.ts',
      'lib/operations/ledger/adjust-credits.ts',
      'lib/operations/plans/*.ts',
    ],
    tests: OPERATION_TESTS,
  },
  {
    name: 'events',
    mutated: ['lib/operations/events/{apply-event,effects,owner}.ts'],
    tests: OPERATION_TESTS,
  },
  {
    name: 'customers',
    mutated: [
      'lib/operations/accounts/{api-keys,close-customer,onboard-customer}.ts',
      'lib/operations/notices/{deliver-notice,warn-low-balances}.ts',
      'lib/operations/work/{at-once,sweep}.ts',
    ],
    tests: [...OPERATION_TESTS, 'test/operations/accounts/close-customer.test.ts'],
  },
  {
    name: 'items',
    mutated: [
      'lib/store/{api-keys,closing,due-work,events,fix-attempts,guards,notices}.ts',
      'lib/store/{orders,owners,rate-limits,record,write}.ts',
    ],
    tests: OPERATION_TESTS,
  },
];

/** Names the part to the vitest configuration of this folder. */
export const PART_VARIABLE = 'MUTATION_PART';
