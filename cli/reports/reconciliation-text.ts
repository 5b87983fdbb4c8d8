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

/** Points to the explanation of each finding. */
export const WHAT_TO_DO = 'What to do: docs/operate.md, Drift';

/** The report for people: the verdict, then what was compared, then each finding. */
export function reconciliationLines(report: ReconcileReport, width: number): string[] {
  const { customers, events, listed, drift, missed, open } = report;
  return [
    ...textLines(verdict(report), width),
    '',
    ...factLines(
      [
        ['run', `${report.run}, ${spanOf(report)}`],
        ['until', endText(report)],
        [
          'ledgers',
          `${counted(customers.checked, 'customer')}, ${counted(customers.entries, 'entry', 'entries')}`,
        ],
        [
          'money',
          `${counted(customers.charges, 'fix charge')}, ` +
            `${counted(customers.invoices, 'Pro invoice')}, both ways`,
        ],
        ...(customers.notCompared === 0
          ? []
          : [
              [
                '',
                `${counted(customers.notCompared, 'customer')} not fully compared: deleted at Stripe`,
              ] as const,
            ]),
        [
          'owners',
          `${counted(listed.payments, 'payment')}, ` +
            `${counted(listed.invoices, 'invoice')} of the last 35 days`,
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
                `${counted(events.removed, 'event')} skipped: their customers were removed by the smoke test`,
              ] as const,
            ]),
        ['by day', daysLine(report)],
        ['non-cash', nonCashLine(report)],
        ['open', number(open.count)],
      ],
      width,
    ),
    ...section('Drift: needs attention', drift, driftLines, width),
    ...(drift.count === 0 ? [] : [`  Nothing was repaired. ${WHAT_TO_DO}`]),
    ...dayLines(report),
    ...section('Customer balances changed by hand at Stripe', report.byHand, openLines, width),
    ...section('Missed events', missed, missedLines, width),
    ...section('Open work: not finished, not drift', open, openLines, width),
  ];
}

const daysLine = ({ days }: ReconcileReport): string => {
  const all = Object.values(days);
  const sum = (of: (day: DayTotals) => number) => dollars(all.reduce((total, day) => total + of(day), 0));
  return (
    `charges ${sum((day) => day.charges)}, refunds ${sum((day) => day.refunds)}, ` +
    `disputes ${sum((day) => day.disputes)}, fees ${sum((day) => day.fees)}; ` +
    `ledgers ${sum((day) => day.ledger)}`
  );
};

const nonCashLine = ({ money }: ReconcileReport): string =>
  `paid out of band ${dollars(money.outOfBand)}, from balances ${dollars(money.balanceUsed)}, ` +
  `given by hand ${dollars(money.byHand)}, discounts ${dollars(money.discounts)}`;

/** Each day on which Stripe's charges and the ledgers differ. */
function dayLines({ days }: ReconcileReport): string[] {
  const differing = differingDays(days);
  if (differing.length === 0) return [];
  return [
    '',
    `Days that differ (${number(differing.length)}): charges at Stripe minus charges in the ledgers`,
    ...differing.map(({ day, cents }) => `  ${day}  ${number(cents)} cents`),
  ];
}

const dollars = (cents: number): string => `$${(cents / 100).toFixed(2)}`;

const NO_CUSTOMER = 'no customer';

function driftLines({ customerId, invariant, message }: Drift): string[] {
  const broken = invariant === null ? 'no invariant' : `invariant ${invariant}`;
  return [`${customerId === null ? NO_CUSTOMER : `customer ${customerId}`}, ${broken}`, message];
}

const missedLines = ({ eventId, type, createdAt, outcome, customerId, reason }: MissedEvent): string[] => [
  `${eventId} ${type} of ${minute(createdAt)}`,
  `${outcome}: ${reason}${customerId === null ? '' : `, customer ${customerId}`}`,
];

const openLines = ({ customerId, since, message }: OpenWork): string[] => [
  [
    ...(customerId === null ? [] : [`customer ${customerId}`]),
    ...(since === null ? [] : [`since ${minute(since)}`]),
  ].join(', ') || NO_CUSTOMER,
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
    ? `started ${minute(startedAt)}`
    : `${minute(startedAt)} to ${minute(finishedAt)} UTC`;
}

const endText = (report: ReconcileReport): string =>
  report.upToNow
    ? 'now; may include events that Stripe is still delivering'
    : `${minute(asOf(report).toISOString())} UTC; Stripe may still be delivering newer events`;

const minute = (iso: string): string => iso.slice(0, 16).replace('T', ' ');
