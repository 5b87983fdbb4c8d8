import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

export interface Column {
  readonly heading: string;
  readonly align?: 'right';
  /** Gives way where the table is too wide: its text goes on in further lines. */
  readonly flexible?: true;
}

const GAP = '  ';
const MIN_FLEXIBLE = 8;
/** What a terminal would take for an order, or read backwards: a name is whatever a customer typed. */
const UNPRINTABLE = /(?!\n)\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu;

/** Rows under their headings, no wider than `width`: words to the left, numbers to the right. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const headings = columns.map(({ heading }) => heading);
  return alignedLines(columns, [headings, ...rows], width);
}

/** Names and what they are, one below the other. */
export function factLines(facts: readonly (readonly [string, string])[], width: number): string[] {
  return alignedLines([{}, { flexible: true }], facts, width);
}

/** Text that goes on in further lines where it is long, each as far in as the first. */
export const textLines = (text: string, width: number, indent = ''): string[] =>
  wrapAnsi(text.replaceAll(UNPRINTABLE, '\u{fffd}'), width - indent.length)
    .split('\n')
    .map((line) => indent + line);

type Shape = Pick<Column, 'align' | 'flexible'>;

function alignedLines(
  columns: readonly Shape[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const cells = rows.map((row) => row.map((text) => text.replaceAll(UNPRINTABLE, '\u{fffd}')));
  const widths = columnWidths(columns, cells, width);
  return cells.flatMap((row) => rowLines(columns, row, widths));
}

function rowLines(columns: readonly Shape[], row: readonly string[], widths: readonly number[]): string[] {
  const wrapped = widths.map((width, column) =>
    wrapAnsi(row[column] ?? '', width, { hard: true }).split('\n'),
  );
  const height = Math.max(...wrapped.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    widths
      .map((width, column) => {
        const text = wrapped[column]?.[line] ?? '';
        const room = ' '.repeat(Math.max(0, width - stringWidth(text)));
        return columns[column]?.align === 'right' ? room + text : text + room;
      })
      .join(GAP)
      .trimEnd(),
  );
}

function columnWidths(
  columns: readonly Shape[],
  rows: readonly (readonly string[])[],
  width: number,
): number[] {
  const natural = columns.map((_, column) => Math.max(1, ...rows.map((row) => widthOf(row[column] ?? ''))));
  const total = (widths: readonly number[]) =>
    widths.reduce((sum, one) => sum + one, 0) + GAP.length * (columns.length - 1);
  const widths = [...natural];
  // The widest gives way first, a column at a time: what is short stays whole.
  while (total(widths) > width) {
    const widest = widths.reduce(
      (best, one, i) => (columns[i]?.flexible && one > (widths[best] ?? 0) ? i : best),
      columns.findIndex(({ flexible }) => flexible),
    );
    const current = widths[widest];
    if (current === undefined || current <= MIN_FLEXIBLE) break;
    widths[widest] = current - 1;
  }
  return widths;
}

/** Of its longest line. */
const widthOf = (text: string): number => Math.max(...text.split('\n').map((line) => stringWidth(line)));
