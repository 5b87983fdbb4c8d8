import { tableLines } from '../../cli/terminal/table.ts';

/** A text table with one line a row. Words are left-aligned and numbers right-aligned. */
export function textTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const columns = headings.map((heading, column) => {
    const isNumeric = rows.every((row) => /^$|^\d/.test(row[column] ?? ''));
    return isNumeric ? ({ heading, align: 'right' } as const) : { heading };
  });
  return tableLines(columns, rows, Number.POSITIVE_INFINITY).join('\n');
}
