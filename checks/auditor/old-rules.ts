import type { Patch } from '../support/patch.ts';

/*
 * Each fault, the auditor's message about it, and its old rule as a patch of the source.
 * A patch holds today's text and the old text.
 * The check fails for a patch whose text is not in the source.
 */

export interface Fault {
  readonly number: number;
  readonly what: string;
  /** Matches one of the auditor's findings. */
  readonly says: RegExp;
  /** Whether the auditor reports the finding with today's rules too, because a person must decide. */
  readonly isForAPerson?: true;
  readonly oldRule: readonly Patch[];
}

export const FAULTS: readonly Fault[] = [
  {
    number: 1,
    what: 'a renewal that was closed by a credit note grants 60 credits without money',
    says: /returned and not taken back: 60 credits \(59900 cents\)/,
    oldRule: [
      {
        file: 'lib/stripe/readers/returned-value.ts',
        find: 'const credited = sum(noted.map(({ cents }) => cents));',
        replace: 'const credited = 0;',
      },
      {
        file: 'lib/stripe/readers/returned-value.ts',
        find: 'const ofLines = noted.flatMap((note) => note.ofLines);',
        replace: 'const ofLines: NamedLine[] = [];',
      },
    ],
  },
  {
    number: 2,
    what: 'unused time is credited to the balance, and its credits stay',
    says: /returned and not taken back/,
    oldRule: [
      {
        file: 'lib/stripe/readers/returned-value.ts',
        find: 'disputed + credited + unused,',
        replace: 'disputed + credited,',
      },
    ],
  },
  {
    number: 3,
    what: 'a fee beside the $0 line of a trial grants 60 credits',
    says: /credits without money: 60 credits \(59900 cents\)/,
    oldRule: [
      {
        file: 'lib/domain/grants.ts',
        find: 'if (price === null || netCents <= 0) return 0;',
        replace: 'if (price === null) return 0;',
      },
      {
        file: 'lib/domain/grants.ts',
        find: 'return isWhole && isFullPrice ?',
        replace: 'return isWhole ?',
      },
    ],
  },
  {
    number: 4,
    what: 'a whole period with another billing reason grants nothing',
    says: /money without credits: 60 credits \(59900 cents\)/,
    oldRule: [
      {
        file: 'lib/stripe/readers/invoice-lines.ts',
        find: '    lines: read,',
        replace: "    lines: /^subscription_c/.test(invoice.billing_reason ?? '') ? read : [],",
      },
    ],
  },
  {
    number: 5,
    what: 'two seats grant the credits of one',
    says: /money without credits: 60 credits \(59900 cents\)/,
    oldRule: [
      {
        file: 'lib/domain/grants.ts',
        find: '? credits * quantity :',
        replace: '? credits :',
      },
    ],
  },
  {
    number: 6,
    what: 'a paid invoice at an unknown price of our product grants nothing, silently',
    says: /money without credits: invoice \S+ has 49900 cents at price/,
    isForAPerson: true,
    oldRule: [
      {
        file: 'lib/stripe/readers/invoice-lines.ts',
        find: "fate.kind === 'unknown' && netCents > 0",
        replace: "fate.kind === 'unknown' && netCents < 0",
      },
    ],
  },
  {
    number: 7,
    what: 'refunds of an invoice with two payments are counted one at a time',
    says: /returned and not taken back/,
    oldRule: [
      {
        file: 'lib/stripe/readers/returned-value.ts',
        find: 'payments.map((payment) => readPayment(stripe, payment))',
        replace: 'payments.slice(0, 1).map((payment) => readPayment(stripe, payment))',
      },
    ],
  },
  {
    number: 8,
    what: 'a second subscription that was made by hand continues',
    says: /concurrent subscriptions/,
    isForAPerson: true,
    oldRule: [],
  },
  {
    number: 10,
    what: 'the card is replaced at Stripe, and the old one stays on file',
    says: /the card on file is pm_\w+, Stripe's default is pm_/,
    oldRule: [
      {
        file: 'lib/operations/plans/sync-account.ts',
        find: '    ...cardOnFile(account.card),',
        replace:
          '    ...cardOnFile(account.card),\n' +
          '    ...(head.paymentMethodId !== null && { paymentMethodId: head.paymentMethodId }),',
      },
    ],
  },
  {
    number: 11,
    what: 'an inquiry becomes a chargeback, and its credits can still be spent',
    says: /returned and not taken back: 60 credits \(59900 cents\)/,
    oldRule: [
      {
        file: 'lib/stripe/event-types.ts',
        find: "  'charge.dispute.updated': 'of_charge',\n",
        replace: '',
      },
      {
        file: 'lib/stripe/event-types.ts',
        find: "  'charge.dispute.funds_withdrawn': 'of_charge',\n",
        replace: '',
      },
    ],
  },
  {
    number: 14,
    what: 'a past-due subscription keeps the Pro rate without limit',
    says: /the price of a fix differs: payment \S+ charged 1500 cents/,
    oldRule: [
      {
        file: 'lib/domain/subscription.ts',
        find: 'at.getTime() < endOfPro(subscription)',
        replace: 'givesPro(subscription.state)',
      },
    ],
  },
  {
    number: 15,
    what: 'a subscription that collects nothing keeps the Pro rate',
    says: /the price of a fix differs: payment \S+ charged 1500 cents/,
    oldRule: [
      {
        file: 'lib/domain/subscription.ts',
        find: 'at.getTime() < endOfPro(subscription)',
        replace: 'givesPro(subscription.state)',
      },
    ],
  },
  {
    number: 16,
    what: "a second payment's refund fails days later",
    says: /money short: refund re_\S+ of payment \S+ is failed, 2900 of 2900 cents were not returned/,
    oldRule: [
      {
        file: 'lib/domain/payments/payment-return.ts',
        find: "{ kind: counted.some(({ state }) => state === 'pending') ? 'wait' : 'returned' }",
        replace: "{ kind: 'returned' }",
      },
      {
        file: 'lib/operations/payments/return-double-payment.ts',
        find: "if (step.kind === 'returned') return;",
        replace: 'return;',
      },
    ],
  },
  {
    number: 17,
    what: 'a second payment is disputed before it is returned',
    says: /dispute \S+ is open at Stripe, but not here/,
    oldRule: [
      {
        file: 'lib/domain/payments/payment-return.ts',
        find: "if (facts.refusedBy === 'open_dispute') return { kind: 'wait' };",
        replace: '',
      },
      {
        file: 'lib/domain/payments/payment-return.ts',
        find: 'if (restCents <= 0) {',
        replace: 'if (restCents <= 0 && facts.refusedBy === null) {',
      },
      {
        file: 'lib/operations/payments/return-double-payment.ts',
        find: 'if (!isLeftOpen) throw error;',
        replace: 'if (isLeftOpen || !isLeftOpen) throw error;',
      },
    ],
  },
  {
    number: 18,
    what: 'a manual refund of $1 counts as the return of $29',
    says: /money short: the return of payment \S+ was announced, but 2800 of 2900 cents were not returned/,
    oldRule: [
      {
        file: 'lib/domain/payments/payment-return.ts',
        find: 'const restCents = stored.amountCents - refunded - facts.disputedCents;',
        replace: 'const restCents = refunded > 0 ? 0 : stored.amountCents - facts.disputedCents;',
      },
    ],
  },
];
