import type { CustomerHead } from '../../domain/customer.ts';
import { monthOf } from '../../domain/payments/spending.ts';
import { linesOfPart, type StatementLine } from '../../domain/statement/lines.ts';
import { monthAfter, startOf } from '../../domain/statement/months.ts';
import { entriesBefore, readEntries } from '../../store/statement/entries.ts';
import type { Table } from '../../store/table.ts';

/** The entries on a page of the statement. */
const PAGE_ENTRIES = 500;
/** The entries in a CSV file. */
const FILE_ENTRIES = 2_000;

/** Numbers of entries. Empty if `last` is less than `first`. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/** A part of a month's statement. */
export interface StatementPart {
  /** The whole month. */
  readonly month: Range;
  /** In stored order. */
  readonly lines: readonly StatementLine[];
  /** Number of the first entry of the part. */
  readonly shownFrom: number;
  /** The part holds the whole month. */
  readonly isWhole: boolean;
}

/**
 * The newest lines of a month, or those before entry `before`. Takes one query, and a search of up to five
 * reads for a million entries unless the month is both the first and the current one.
 */
export async function readStatement(
  table: Table,
  head: CustomerHead,
  month: string,
  { before, at }: { readonly before: number | null; readonly at: Date },
): Promise<StatementPart> {
  const whole = await rangeOf(table, head, month, at);
  const last = before === null ? whole.last : Math.min(whole.last, before - 1);
  return readPart(table, head, whole, { first: Math.max(whole.first, last - PAGE_ENTRIES + 1), last });
}

/**
 * A month as a file, or a part of it. The parts of a past month never change.
 * @param part counted from 1
 */
export async function readStatementFile(
  table: Table,
  head: CustomerHead,
  month: string,
  { part, at }: { readonly part: number; readonly at: Date },
): Promise<StatementPart> {
  const whole = await rangeOf(table, head, month, at);
  const first = whole.first + (part - 1) * FILE_ENTRIES;
  return readPart(table, head, whole, { first, last: Math.min(whole.last, first + FILE_ENTRIES - 1) });
}

/** The number of files that a month has, at least one. */
export const filesOf = ({ month: { first, last } }: StatementPart): number =>
  Math.max(1, Math.ceil((last - first + 1) / FILE_ENTRIES));

async function rangeOf(table: Table, head: CustomerHead, month: string, at: Date): Promise<Range> {
  const { customerId, seq, createdAt } = head;
  const [start, end] = [startOf(month), startOf(monthAfter(month, 1))];
  const isFirst = start <= createdAt;
  const isOver = month < monthOf(at);
  if (end <= createdAt || start > at.toISOString()) return { first: 1, last: 0 };
  const counts = await entriesBefore(table, customerId, seq, [
    ...(isFirst ? [] : [start]),
    ...(isOver ? [end] : []),
  ]);
  return { first: (isFirst ? 0 : (counts[0] ?? 0)) + 1, last: (isOver ? counts.at(-1) : undefined) ?? seq };
}

async function readPart(
  table: Table,
  head: CustomerHead,
  month: Range,
  { first, last }: Range,
): Promise<StatementPart> {
  if (last < first) return { month, lines: [], shownFrom: first, isWhole: month.last < month.first };
  // The entry before the part may belong to its first line.
  const from = Math.max(month.first, first - 1);
  const entries = await readEntries(table, head.customerId, { first: from, last });
  const lines = linesOfPart(entries, { first, last, end: month.last });
  const isSplit = entries[0]?.source === 'purchased';
  return {
    month,
    lines,
    shownFrom: isSplit ? from : first,
    isWhole: first === month.first && last === month.last,
  };
}
