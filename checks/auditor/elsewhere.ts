import type { Patch } from '../support/patch.ts';

/**
 * Faults that cause no difference in money or account, and the test that catches each.
 * `text` is the name of a test in `file`.
 */
export const ELSEWHERE: readonly {
  readonly number: number;
  readonly what: string;
  readonly file: string;
  readonly text: string;
  /** The old rule, for a fault that the simulator also catches. */
  readonly oldRule?: readonly Patch[];
}[] = [
  {
    number: 9,
    what: 'only one page of a list is read, or only 1,000 items',
    file: 'test/operations/plans/account-truth.test.ts',
    text: 'more than a page of subscriptions are all read',
  },
  {
    number: 12,
    what: 'a cancellation date five months away counts as a cancellation at period end',
    file: 'test/stripe/subscription-reading.test.ts',
    text: 'a date after the end of the period is no cancellation at period end',
    oldRule: [
      {
        file: 'lib/stripe/readers/account.ts',
        find: 'cancelAtPeriodEnd: endsAt !== null && endsAt <= periodEnd,',
        replace: 'cancelAtPeriodEnd: endsAt !== null,',
      },
    ],
  },
  {
    number: 13,
    what: "another product's events are parked without limit",
    file: 'test/operations/plans/account-truth.test.ts',
    text: 'events of another product are ignored, and those of a customer that our metadata names are parked',
    oldRule: [
      {
        file: 'lib/operations/events/owner.ts',
        find: 'if (claim === null) throw new NotOurs(',
        replace: 'if (claim === null) throw new Unappliable(',
      },
    ],
  },
  {
    number: 19,
    what: 'a payment that is processing blocks the work behind it',
    file: 'test/operations/work/sweeper-rules.test.ts',
    text: 'processing payments stay open, count as neither settled nor failed, and do not block later work',
  },
  {
    number: 20,
    what: 'a charge that was announced before a dispute is sent after it',
    file: 'test/operations/payments/announced.test.ts',
    text: 'a charge announced before a dispute is not made after it, by the sweeper or the next call',
    oldRule: [
      {
        file: 'lib/operations/payments/attempt.ts',
        find: 'if (ageMs > KEY_IS_SAFE_MS || !(await pendingIfUnread(attempt.holds)))',
        replace: 'if (ageMs > KEY_IS_SAFE_MS)',
      },
    ],
  },
];
