/** Files that are mutated together, and the tests that must catch their mutants. */
export interface Part {
  readonly name: string;
  readonly mutated: readonly string[];
  /** In running order: first the tests that fail soonest for most mutants. */
  readonly tests: readonly string[];
  /** They try only the mutants that survive `tests` without an explanation. */
  readonly furtherTests?: readonly string[];
  /** Functions read their settings once, so each test file that calls them loads our modules again. */
  readonly callsFunctions?: boolean;
}

const STORE_TESTS = ['test/store/*.test.ts'];

/** What the tests of one room have not seen: every operation, then the pages and the API over HTTP. */
const EVERY_TEST = [
  'test/operations/{fixes,ledger,plans,payments,events,accounts,cards,statement,notices,work,access}/*.test.ts',
  'test/http/{account,charge-obstacles,defects,notices,onboarding,payment-method,payments}.test.ts',
  'test/http/{key-changes,keys,limit-headers,pricing,spending-limit,subscription,unsubscribe}.test.ts',
  'test/http/{billing-card,billing-documents,billing-page,billing-settings,billing-view,plan-page}.test.ts',
  'checks/mutation/*.spec.ts',
];

const ORDERS =
  '{cancel-subscription,end-incomplete,finish-order,order-on-session,settle-order,subscribe-to-pro}';

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
    name: 'fixes',
    mutated: ['lib/operations/fixes/*.ts'],
    tests: [
      'test/operations/fixes/{announce-charge,report-billing,busy-card,billing-rules,record-fix}.test.ts',
      'test/operations/fixes/{approve-fix,bill-waiting,spending-limit}.test.ts',
    ],
    furtherTests: EVERY_TEST,
    callsFunctions: true,
  },
  {
    name: 'ledger',
    mutated: ['lib/operations/{ledger,payments}/*.ts'],
    tests: [
      'test/operations/ledger/*.test.ts',
      'test/operations/payments/{attempt,try-outcomes,payer,return-steps,card-tries,announced}.test.ts',
      'test/operations/payments/return-double-payment.test.ts',
    ],
    furtherTests: EVERY_TEST,
    callsFunctions: true,
  },
  {
    name: 'orders',
    mutated: [`lib/operations/plans/${ORDERS}.ts`],
    tests: [
      'test/operations/plans/{order-rules,order-refusals,approval-outcomes,approvals}.test.ts',
      'test/operations/plans/{incomplete-subscriptions,account-truth,prices}.test.ts',
      'test/operations/accounts/account-rules.test.ts',
    ],
    furtherTests: EVERY_TEST,
    callsFunctions: true,
  },
  {
    name: 'renewals',
    mutated: ['lib/operations/plans/*.ts', `!lib/operations/plans/${ORDERS}.ts`],
    tests: [
      'test/operations/plans/{settlement,account-truth,sold-prices,free-periods,reported-money}.test.ts',
      'test/operations/plans/{renewal-rules,renewal-in-person,renewals,invoice-value}.test.ts',
      'test/operations/plans/{returned-money,older-sources}.test.ts',
    ],
    furtherTests: EVERY_TEST,
    callsFunctions: true,
  },
  {
    name: 'events',
    mutated: ['lib/operations/events/{apply-event,effects,owner,replay-event}.ts'],
    tests: ['test/operations/events/{event-rules,events,event-order}.test.ts'],
    furtherTests: EVERY_TEST,
    callsFunctions: true,
  },
  {
    name: 'accounts',
    mutated: ['lib/operations/accounts/*.ts'],
    tests: [
      'test/operations/accounts/{account-settings,customer-rules,account-rules}.test.ts',
      'test/operations/accounts/{changing-keys,clear-fixes}.test.ts',
      'test/operations/accounts/{remove-test-customer,close-customer}.test.ts',
      'test/operations/cards/card-sessions.test.ts',
    ],
    furtherTests: EVERY_TEST,
    callsFunctions: true,
  },
  {
    name: 'notices',
    mutated: ['lib/operations/{notices,work}/*.ts'],
    tests: [
      'test/operations/notices/{deliver-notice,low-balances,notices,daily-letters}.test.ts',
      'test/operations/work/{kinds,measure-open-work,sweeper-rules}.test.ts',
    ],
    furtherTests: EVERY_TEST,
    callsFunctions: true,
  },
  {
    name: 'items',
    mutated: [
      'lib/store/{api-keys,closing,due-work,events,fix-attempts,guards,heads,notices}.ts',
      'lib/store/{orders,owners,paging,rate-limits,record,renewals,write}.ts',
    ],
    tests: STORE_TESTS,
    furtherTests: EVERY_TEST,
    callsFunctions: true,
  },
  {
    name: 'payments',
    mutated: ['lib/store/{evidence,payments}/*.ts'],
    tests: [...STORE_TESTS, 'test/operations/fixes/{approve-fix,bill-waiting,spending-limit}.test.ts'],
    furtherTests: EVERY_TEST,
    callsFunctions: true,
  },
  {
    name: 'page',
    mutated: ['lib/operations/{access,cards,statement}/*.ts', 'lib/store/{access,outbox,statement}/*.ts'],
    tests: [
      'test/store/{outbox,conditions-access,conditions-notices,expiring-items,notice-contents}.test.ts',
      'test/operations/access/*.test.ts',
      'test/operations/{cards,statement}/*.test.ts',
      'test/operations/notices/{daily-letters,deliver-notice,notices}.test.ts',
    ],
    furtherTests: EVERY_TEST,
    callsFunctions: true,
  },
];

/** The environment variable that names the part for this folder's vitest configuration. */
export const PART_VARIABLE = 'MUTATION_PART';
/** Set to `1`, it selects the part's further tests. */
export const FURTHER_VARIABLE = 'MUTATION_FURTHER';
