import { type DayTotals, differingDays } from '../../lib/domain/books/day-totals.ts';
import {
  asOf,
  counted,
  type Drift,
  type MissedEvent,
  type Named,
  number,
  type OpenWork,
  type ReconcileReport,
  verdict,
} from '../../lib/domain/reconciliation.ts';
import { factLines } from '../terminal/table.ts';
import { textLines } from '../terminal/wrap.ts';

/** Where each finding is explained. */
export const WHAT_TO_DO = 'What to do: docs/operate.md, Drift';

/** The report for people: the verdict first, then what was looked at and each finding. */
export function reconciliationLines(report: ReconcileReport, width: number): string[] {
  const { customers, events, listed, drift, missed, open } = report;
  return [
    ...textLines(verdict(report), width),
    '',
    ...factLines(
      [
        ['run', `${report.run}, ${spanOf(report)}`],
        ['until', until(report)],
        [
          'ledgers',
          `${counted(customers.checked, 'customer')}, ${counted(customers.entries, 'entry', 'entries')}`,
        ],
        [
          'money',
          `${counted(customers.charges, 'fix charge')}, ${counted(customers.invoices, 'Pro invoice')}, both ways`,
        ],
        ...(customers.notCompared === 0
          ? []
          : [
              [
                '',
                `${counted(customers.notCompared, 'customer')} not compared, or not in all: deleted at Stripe`,
              ] as const,
            ]),
        [
          'owners',
          `${counted(listed.payments, 'payment')}, ${counted(listed.invoices, 'invoice')} of the last 35 days`,
        ],
        [
          'events',
          `${counted(events.listed, 'event')} of the last 30 days, ${number(missed.count)} missed: ` +
            `${number(events.applied)} applied now, ${number(events.ignored)} ignored, ` +
            `${number(events.parked)} parked, ${number(events.failed)} failed`,
        ],
        ...(events.removed === 0
          ? []
          : [
              [
                '',
                `${counted(events.removed, 'event')} left out: of customers whom the smoke test removed`,
              ] as const,
            ]),
        ['by day', daysLine(report)],
        ['no cash', noCashLine(report)],
        ['open', number(open.count)],
      ],
      width,
    ),
    ...section('Drift: to be looked at', drift, driftLines, width),
    ...(drift.count === 0 ? [] : [`  Nothing of it was repaired. ${WHAT_TO_DO}`]),
    ...dayLines(report),
    ...section('Changed by hand: the balance of a customer at Stripe', report.byHand, openLines, width),
    ...section('Missed events', missed, missedLines, width),
    ...section('Open: not finished, and no drift', open, openLines, width),
  ];
}

const daysLine = ({ days }: ReconcileReport): string => {
  const all = Object.values(days);
  const sum = (of: (day: DayTotals) => number) => dollars(all.reduce((total, day) => total + of(day), 0));
  return (
    `charges ${sum((day) => day.charges)}, refunds ${sum((day) => day.refunds)}, ` +
    `disputes ${sum((day) => day.disputes)}, fees ${sum((day) => day.fees)}; ledgers ${sum((day) => day.ledger)}`
  );
};

const noCashLine = ({ money }: ReconcileReport): string =>
  `paid past Stripe ${dollars(money.outOfBand)}, from balances ${dollars(money.balanceUsed)}, ` +
  `given by hand ${dollars(money.byHand)}, discounts ${dollars(money.discounts)}`;

/** Each day on which Stripe's charges are not what the ledgers have. */
function dayLines({ days }: ReconcileReport): string[] {
  const differing = differingDays(days);
  if (differing.length === 0) return [];
  return [
    '',
    `Days that differ (${number(differing.length)}): charges at Stripe less what the ledgers have of them`,
    ...differing.map(({ day, cents }) => `  ${day}  ${number(cents)} cents`),
  ];
}

const dollars = (cents: number): string => `$${(cents / 100).toFixed(2)}`;

function driftLines({ customerId, invariant, message }: Drift): string[] {
  const broken = invariant === null ? 'no invariant' : `invariant ${invariant}`;
  return [`${customerId === null ? 'nobody' : `customer ${customerId}`}, ${broken}`, message];
}

const missedLines = ({ eventId, type, createdAt, outcome, customerId, reason }: MissedEvent): string[] => [
  `${eventId} ${type} of ${minute(createdAt)}`,
  `${outcome}: ${reason}${customerId === null ? '' : `, customer ${customerId}`}`,
];

const openLines = ({ customerId, since, message }: OpenWork): string[] => [
  [
    ...(customerId === null ? [] : [`customer ${customerId}`]),
    ...(since === null ? [] : [`since ${minute(since)}`]),
  ].join(', ') || 'nobody',
  message,
];

function section<T>(
  title: string,
  { count, named }: Named<T>,
  lines: (one: T) => readonly string[],
  width: number,
): string[] {
  if (count === 0) return [];
  const rest = count - named.length;
  return [
    '',
    `${title} (${number(count)})`,
    ...named.flatMap((one) => {
      const [first = '', ...others] = lines(one);
      return [...textLines(first, width, '  '), ...others.flatMap((line) => textLines(line, width, '    '))];
    }),
    ...(rest === 0 ? [] : [`  and ${number(rest)} more`]),
  ];
}

function spanOf({ startedAt, finishedAt }: ReconcileReport): string {
  return finishedAt === null
    ? `begun ${minute(startedAt)}`
    : `${minute(startedAt)} to ${minute(finishedAt)} UTC`;
}

const until = (report: ReconcileReport): string =>
  report.upToNow
    ? 'now: what Stripe is just delivering may be named too'
    : `${minute(asOf(report).toISOString())} UTC: what came later is left to Stripe's delivery`;

const minute = (iso: string): string => iso.slice(0, 16).replace('T', ' ');
