/** Mistakes that the simulation cannot make happen: why, and the test that finds each. */
export const LEFT_OUT: readonly {
  readonly name: string;
  readonly what: string;
  readonly why: string;
  /** The text is the name of a test that stands in the file. */
  readonly file: string;
  readonly text: string;
}[] = [
  {
    name: 'old-rule-6',
    what: 'a paid invoice at an unknown price of our product brings nothing, silently',
    why: 'every price of an episode says what it brings; with the right rule too the invoice is left to a person',
    file: 'test/operations/plans/invoice-value.test.ts',
    text: 'a paid line at an unknown price of our product is parked with an alarm',
  },
  {
    name: 'old-rule-8',
    what: 'a second subscription made by hand goes on',
    why: 'no rule was wrong; the simulation expects the auditor to name it',
    file: 'checks/simulation/checks/ledgers.ts',
    text: 'pays for two subscriptions, and the auditor does not say so',
  },
  {
    name: 'old-rule-9',
    what: 'a list is read for one page, or ends at 1,000',
    why: 'no customer of an episode has a hundred subscriptions or payments',
    file: 'test/operations/plans/account-truth.test.ts',
    text: 'more than a page of subscriptions are all read',
  },
  {
    name: 'old-rule-15',
    what: 'a subscription that collects nothing keeps the Pro rate',
    why: 'the same line of the source as old rule 14',
    file: 'checks/auditor/scenarios.ts',
    text: "pause_collection: { behavior: 'void' }",
  },
  {
    name: 'old-rule-19',
    what: 'a payment that is processing keeps the others from their turn',
    why: 'no episode has 200 pieces of work open at once',
    file: 'test/operations/work/sweeper-rules.test.ts',
    text: 'processing payments stay open, count as neither settled nor failed, and do not block later work',
  },
  {
    name: 'weak-listing',
    what: 'a listing that is eventually consistent where it must not be',
    why: 'every read of the table model is consistent, but for those of the index',
    file: 'test/operations/stored-items.test.ts',
    text: 'every listing of a partition and every read by key is strongly consistent',
  },
  {
    name: 'no-clock-margin',
    what: 'what happened at Stripe is looked for without a margin for a clock ahead of Stripe’s',
    why: 'Stripe and the service have one clock in an episode',
    file: 'test/operations/payments/announced.test.ts',
    text: "a charge announced by a clock nine minutes ahead of Stripe's is found by its metadata a day later",
  },
  {
    name: 'amount-of-newest',
    what: 'an entry has the amount of the newest attempt, not of the one that was paid',
    why: 'an attempt that is confirmed after a newer one at another rate is not met in 50,000 operations',
    file: 'test/operations/payments/announced.test.ts',
    text: 'a charge announced at $29 that is paid after a newer attempt at $15 is billed with the $29 that were paid',
  },
];
