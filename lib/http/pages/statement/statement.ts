import type { CustomerHead } from '../../../domain/customer.ts';
import { monthOf } from '../../../domain/payments/spending.ts';
import {
  byRepository,
  type RepositoryTotal,
  type StatementLine,
  totalOf,
} from '../../../domain/statement/lines.ts';
import { monthAfter } from '../../../domain/statement/months.ts';
import { type Html, html, type Part } from '../../../html.ts';
import { filesOf, type StatementPart } from '../../../operations/statement/read-statement.ts';
import { encodeCursor } from '../../cursor.ts';
import type { Reply } from '../../reply.ts';
import { pageReply } from '../page.ts';
import { amountOf, type Column, counted, factsOf, tableOf } from '../parts.ts';
import { changesTable } from './changes-table.ts';
import { monthName } from './month-name.ts';

/** A month's statement: totals, totals by repository, and its lines, newest first. */
export function statementPage(
  head: CustomerHead,
  month: string,
  part: StatementPart,
  formToken: string,
  at: Date,
): Reply {
  const lines = part.lines.toReversed();
  return pageReply({
    title: `Statement, ${monthName(month)}`,
    path: '/billing/statement',
    signedIn: { name: head.name, formToken },
    content: html`${monthLinks(head, month, at)}
${lines.length === 0 ? nothing(part) : linesOfMonth(lines, part, month)}
<p class="soft">Receipts, invoices and refunds are under <a href="/billing/documents">Invoices</a>.
<a href="/billing/account.json">Download everything about this account</a> (JSON)</p>`,
  });
}

/** Links to the month before, the month after, and the current one. */
function monthLinks({ createdAt }: CustomerHead, month: string, at: Date): Html {
  const [opened, now] = [monthOf(new Date(createdAt)), monthOf(at)];
  const [before, after] = [monthAfter(month, -1), monthAfter(month, 1)];
  const linkTo = (one: string) => html`<a href="/billing/statement?month=${one}">${monthName(one)}</a>`;
  const links = [
    ...(before >= opened ? [html`<li>← ${linkTo(before)}</li>`] : []),
    ...(after >= opened && after <= now ? [html`<li>${linkTo(after)} →</li>`] : []),
    ...(after < now ? [html`<li><a href="/billing/statement">This month</a></li>`] : []),
  ];
  return html`${links.length === 0 ? null : html`<ul class="links">${links}</ul>`}`;
}

const nothing = ({ month: { first, last } }: StatementPart): Html =>
  last < first
    ? html`<section><p>Nothing changed in this month.</p></section>`
    : html`<section><p>There are no older changes in this month.</p></section>`;

function linesOfMonth(lines: readonly StatementLine[], part: StatementPart, month: string): Html {
  const totals = byRepository(lines);
  const repositories = tableOf('By repository', REPOSITORIES, totals.map(repositoryRow));
  return html`${partNote(part)}
<section><h2>In total</h2>${totalFacts(lines, totals)}
<p class="after">${fileLinks(part, month)}</p></section>
${totals.length === 0 ? null : html`<section><h2>By repository</h2>${repositories}</section>`}
<section><h2>Changes</h2>${changesTable('Changes', lines)}
${olderLink(part, month)}</section>`;
}

function partNote({ isWhole, month: { first, last } }: StatementPart): Html | null {
  if (isWhole) return null;
  return html`<p class="note">This month has ${counted(last - first + 1)} changes. This page shows some
of them, and its totals cover only those. The files have all of them.</p>`;
}

/** @param lines newest first */
function totalFacts(lines: readonly StatementLine[], totals: readonly RepositoryTotal[]): Html {
  const { fixes, byCredit, chargedCents } = totalOf(totals);
  const [newest, oldest] = [lines[0], lines.at(-1)];
  const [end, start] = [newest?.balanceAfter ?? 0, (oldest?.balanceAfter ?? 0) - (oldest?.credits ?? 0)];
  return factsOf([
    ['Fixes billed', counted(fixes)],
    ['Paid by credits', counted(byCredit)],
    ['Charged to the card', html`${counted(fixes - byCredit)} for ${amountOf(chargedCents)}`],
    ['Credits', html`${counted(start)} before, ${counted(end)} after`],
  ]);
}

function fileLinks(part: StatementPart, month: string): Html {
  const files = filesOf(part);
  const path = `/billing/statement.csv?month=${month}`;
  if (files === 1) return html`<a href="${path}">Download as CSV</a>`;
  const numbers = Array.from({ length: files }, (_, i) => i + 1);
  return html`Download as CSV: ${numbers.map((n) => html`<a href="${path}&part=${n}">part ${n}</a> `)}`;
}

function olderLink({ shownFrom, month: { first } }: StatementPart, month: string): Html | null {
  if (shownFrom <= first) return null;
  const address = `/billing/statement?month=${month}&before=${encodeCursor(shownFrom)}`;
  return html`<p class="after"><a href="${address}">Older changes</a></p>`;
}

const REPOSITORIES: readonly Column[] = [
  { heading: 'Repository' },
  { heading: 'Fixes', isNumber: true },
  { heading: 'From credits', isNumber: true },
  { heading: 'Charged', isNumber: true },
];

const repositoryRow = ({ repository, fixes, byCredit, chargedCents }: RepositoryTotal): Part[] => [
  repository ?? 'Unknown',
  counted(fixes),
  counted(byCredit),
  amountOf(chargedCents),
];
