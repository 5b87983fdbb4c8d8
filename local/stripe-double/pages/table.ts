import { html } from 'hono/html';
import type { Row } from './listing.ts';
import { type Html, type Part, shown } from './markup.ts';

const text = (part: Part): Part => (typeof part === 'string' ? shown(part) : part);

const isEmpty = (part: Part): boolean => part === null || part === undefined || part === '';

/** Rows as a table; on a narrow screen each row becomes a block. */
export function table(label: string, rows: readonly Row[]): Html {
  const [first] = rows;
  if (first === undefined) return html`<p class="soft">None yet.</p>`;
  // An empty cell has no content, so that the style matches it. Any other cell has exactly one child.
  const cell = (value: Part): Part => (isEmpty(value) ? null : html`<div>${text(value)}</div>`);
  const cells = ({ cells }: Row) =>
    cells.map(({ head, value }) => html`<td data-head="${head}">${cell(value)}</td>`);
  return html`<table aria-label="${label}">
<thead><tr>${first.cells.map(({ head }) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${cells(row)}</tr>\n`)}</tbody></table>`;
}

/** The cells of one row, as a list. */
export function facts({ cells }: Row): Html {
  const said = cells.filter(({ value }) => !isEmpty(value));
  return html`<dl>${said.map(({ head, value }) => html`<dt>${head}</dt><dd>${text(value)}</dd>`)}</dl>`;
}
