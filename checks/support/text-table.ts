import { tableLines } from '../../cli/terminal/table.ts';

/** Rows under their headings, one line a row: words to the left, numbers to the right. */
export function textTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const columns = headings.map((heading, column) => {
    const isNumeric = rows.every((row) => /^$|^\d/.test(row[column] ?? ''));
    return isNumeric ? ({ heading, align: 'right' } as const) : { heading };
  });
  return tableLines(columns, rows, Number.POSITIVE_INFINITY).join('\n');
}
