import { pullRequestUrl, type StatementLine } from '../../../domain/statement/lines.ts';
import { type Html, html, type Part } from '../../../html.ts';
import { amountOf, type Column, counted, signed, tableOf, timeOf } from '../parts.ts';
import { LINE_KINDS } from './kinds.ts';

const COLUMNS: readonly Column[] = [
  { heading: 'When' },
  { heading: 'What' },
  { heading: 'Credits', isNumber: true },
];

/** Lines of the statement as a table that fits a phone. */
export const changesTable = (name: string, lines: readonly StatementLine[]): Html =>
  tableOf(name, COLUMNS, lines.map(rowOf));

const rowOf = (line: StatementLine): Part[] => [
  timeOf(line.at),
  whatCell(line),
  html`${line.credits === 0 ? '0' : signed(line.credits)}<br>
<small class="soft amount">${counted(line.balanceAfter)} left</small>`,
];

/** A fix is named by its pull request, and linked only if GitHub allows such an owner and repository. */
function whatCell({ kind, pull, chargedCents }: StatementLine): Part {
  const words = html`${LINE_KINDS[kind]}${chargedCents === 0 ? null : html`: ${amountOf(chargedCents)}`}`;
  if (pull === null) return words;
  const name = `${pull.githubOrg}/${pull.repoName}#${pull.prNumber}`;
  const url = pullRequestUrl(pull);
  const link = url === null ? name : html`<a href="${url}" rel="noopener noreferrer">${name}</a>`;
  return html`${link}<br><small class="soft">${words}</small>`;
}
