/** Bugs that the simulation cannot trigger, each with the reason and the test that finds it. */
export const LEFT_OUT: readonly {
  readonly name: string;
  readonly what: string;
  readonly why: string;
  /** The file that contains `text`: the name of the test, or the code, that finds the bug. */
  readonly file: string;
  readonly text: string;
}[] = [
  {
    name: 'old-rule-6',
    what: 'a paid invoice at an unknown price of our product is ignored without a message',
    why: 'every price of an episode names its credits; with the right rule, support decides about the invoice',
    file: 'test/operations/plans/invoice-value.test.ts',
    text: 'a paid line at an unknown price of our product is parked with an alarm',
  },
  {
    name: 'old-rule-8',
    what: 'a second subscription made by hand continues',
    why: 'no rule was wrong; the simulation expects the auditor to report it',
    file: 'checks/simulation/checks/ledgers.ts',
    text: 'pays for two subscriptions, and the auditor does not report it',
  },
  {
    name: 'old-rule-9',
    what: 'only one page of a list is read, or only 1,000 items',
    why: 'no customer in an episode has a hundred subscriptions or payments',
    file: 'test/operations/plans/account-truth.test.ts',
    text: 'more than a page of subscriptions are all read',
  },
  {
    name: 'old-rule-15',
    what: 'a subscription that collects nothing keeps the Pro rate',
    why: 'same source line as old rule 14',
    file: 'checks/auditor/scenarios.ts',
    text: "pause_collection: { behavior: 'void' }",
  },
  {
    name: 'old-rule-19',
    what: 'payments in the state processing block later work',
    why: 'no episode has 200 open items of work at the same time',
    file: 'test/operations/work/sweeper-rules.test.ts',
    text: 'processing payments stay open, count as neither settled nor failed, and do not block later work',
  },
  {
    name: 'weak-listing',
    what: 'a listing that must be strongly consistent is eventually consistent',
    why: 'every read of the table model is consistent, except reads of the index',
    file: 'test/operations/stored-items.test.ts',
    text: 'every listing of a partition and every read by key is strongly consistent',
  },
  {
    name: 'no-clock-margin',
    what: 'the search at Stripe has no margin for a clock ahead of Stripe’s',
    why: 'Stripe and the service share one clock in an episode',
    file: 'test/operations/payments/announced.test.ts',
    text: "a charge announced by a clock nine minutes ahead of Stripe's is found by its metadata a day later",
  },
  {
    name: 'amount-of-newest',
    what: 'an entry has the amount of the newest attempt instead of the paid attempt',
    why: 'in 50,000 operations, no attempt is confirmed after a newer attempt at another rate',
    file: 'test/operations/payments/announced.test.ts',
    text: 'a charge announced at $29 that is paid after a newer attempt at $15 is billed with the $29 that were paid',
  },
];
