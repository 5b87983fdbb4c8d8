import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * Whether the committed page equals the check's result. With `write` the page is written instead.
 * `command` is the command that writes the page.
 */
export function isCommitted(file: string, found: string, write: boolean, command: string): boolean {
  if (write) writeFileSync(file, found);
  if (existsSync(file) && readFileSync(file, 'utf8') === found) return true;
  console.log(`${file} is out of date. Write the page with \`${command} -- --write\` and commit it.`);
  return false;
}

/** A Markdown table. Cells must be single lines. Bars in cells are escaped. */
export function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n');
}
