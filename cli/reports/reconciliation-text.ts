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

const COLUMNS = 80;

/** Where each finding is explained. */
export const WHAT_TO_DO = 'What to do: docs/operate.md, Drift';

/** The report for people: the verdict first, then what was looked at and each finding. No line is longer than 80. */
export function reportText(report: ReconcileReport): string {
  const { customers, events, listed, drift, missed, open } = report;
  return [
    ...wrapped(verdict(report)),
    '',
    ...table([
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
      ['open', number(open.count)],
    ]),
    ...section('Drift: to be looked at', drift, driftLines),
    ...(drift.count === 0 ? [] : [`  Nothing of it was repaired. ${WHAT_TO_DO}`]),
    ...section('Missed events', missed, missedLines),
    ...section('Open: not finished, and no drift', open, openLines),
    '',
  ].join('\n');
}

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
): string[] {
  if (count === 0) return [];
  const rest = count - named.length;
  return [
    '',
    `${title} (${number(count)})`,
    ...named.flatMap((one) => {
      const [first = '', ...others] = lines(one);
      return [...wrapped(first, 2), ...others.flatMap((line) => wrapped(line, 4))];
    }),
    ...(rest === 0 ? [] : [`  and ${number(rest)} more`]),
  ];
}

const LABEL_COLUMNS = 10;

const table = (rows: readonly (readonly [label: string, text: string])[]): string[] =>
  rows.flatMap(([label, text]) => {
    const [first = '', ...others] = wrapped(text, LABEL_COLUMNS);
    return [label.padEnd(LABEL_COLUMNS) + first.trimStart(), ...others];
  });

/** The text in lines of at most 80 columns, all indented; a word that is longer than a line is cut. */
function wrapped(text: string, indent = 0): string[] {
  const room = COLUMNS - indent;
  const words = text.split(' ').flatMap((word) => word.match(new RegExp(`.{1,${room}}`, 'g')) ?? []);
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > room) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.map((line) => ' '.repeat(indent) + line);
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
