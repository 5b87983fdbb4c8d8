import type { StatementLine } from '../../../domain/statement/lines.ts';
import { filesOf, type StatementPart } from '../../../operations/statement/read-statement.ts';
import type { Reply } from '../../reply.ts';
import { pageHeaders } from '../page.ts';
import { LINE_KINDS } from './kinds.ts';
import { refuse } from './request.ts';

/* The statement as a file for spreadsheets and bookkeeping: RFC 4180, UTF-8, the oldest line first. */

const COLUMNS = [
  'time',
  'what',
  'organisation',
  'repository',
  'pull_request',
  'credits',
  'charged_usd',
  'balance',
  'fix_id',
  'entry',
];

/**
 * A month as one file, or one part of a large month. The `link` header names the next part.
 * @throws BillingError invalid_request for a part that does not exist
 */
export function statementFile(part: StatementPart, month: string, number: number): Reply {
  const files = filesOf(part);
  if (number > files) refuse('part', `must be at most ${files}`);
  const name = `rsolv-statement-${month}${files === 1 ? '' : `-part-${number}-of-${files}`}.csv`;
  const next = `</billing/statement.csv?month=${month}&part=${number + 1}>; rel="next"`;
  return {
    status: 200,
    headers: {
      ...pageHeaders(),
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': `attachment; filename="${name}"`,
      ...(number < files && { link: next }),
    },
    body: [COLUMNS, ...part.lines.map(cellsOf)].map((cells) => `${cells.map(cellOf).join(',')}\r\n`).join(''),
  };
}

const cellsOf = (line: StatementLine): (string | number)[] => [
  line.at,
  LINE_KINDS[line.kind],
  line.pull?.githubOrg ?? '',
  line.pull?.repoName ?? '',
  line.pull?.prNumber ?? '',
  line.credits,
  dollars(line.chargedCents),
  line.balanceAfter,
  line.fixId ?? '',
  line.seq,
];

/** 179700 → 1797.00, which every spreadsheet reads as a number. */
const dollars = (cents: number): string =>
  `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;

/**
 * A spreadsheet runs a text that begins with one of these characters as a formula. A leading apostrophe
 * prevents that. Numbers come from us and need none.
 */
const FORMULA = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

export function cellOf(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
