import { html, raw } from 'hono/html';
import { type Html, type Part, shown, withoutUnseen } from '../stripe-double/pages/markup.ts';
import { pager, windowOf } from '../stripe-double/pages/pager.ts';
import { policyOf, STYLE } from '../stripe-double/pages/style.ts';
import { table } from '../stripe-double/pages/table.ts';
import type { Mailbox, Message } from './mailbox.ts';

const LETTERS_PER_PAGE = 50;
const MAX_QUERY_LENGTH = 200;

const MAILBOX_STYLE = `${STYLE}
.previews { display: grid; grid-template-columns: minmax(0, 1fr) min(24.375rem, 100%); gap: 1.25rem;
  align-items: start; }
.previews h2 { margin-top: 1rem; }
iframe { width: 100%; height: 40rem; border: 1px solid var(--line); border-radius: .5rem; background: #fff; }
@media (max-width: 60rem) { .previews { grid-template-columns: minmax(0, 1fr); } .previews .screen {
  display: none; } }
`;

/** The Content-Security-Policy of the mailbox's own pages. */
export const PAGE_POLICY = policyOf({ style: MAILBOX_STYLE, frames: true });
/** A letter's links open in a tab of their own, as in a mail program. */
const OPENS_LINKS = 'allow-popups allow-popups-to-escape-sandbox';
/**
 * The Content-Security-Policy of a letter, in its frame or opened alone. It allows inline styles. It blocks
 * scripts and everything that a browser would load.
 */
export const LETTER_POLICY = [
  `sandbox ${OPENS_LINKS}`,
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

function page(title: string, body: Part): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${shown(title)} · Mailbox</title>
<style>${raw(MAILBOX_STYLE)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top"><a class="name" href="/">Mailbox</a>
<span class="soft">No e-mail was sent. These letters stay on this machine.</span></header>
<main id="content">
<h1>${shown(title)}</h1>
${body}
</main>
</body>
</html>
`;
}

/** The letters that match a search, newest first. */
export function listPage(mailbox: Mailbox, search = '', pageNumber?: string): Html {
  const query = search.slice(0, MAX_QUERY_LENGTH).trim();
  const found = mailbox.search(query);
  const window = windowOf(pageNumber, found.length, LETTERS_PER_PAGE);
  const rows = found.slice(window.from, window.from + LETTERS_PER_PAGE).map((one) => ({
    id: one.id,
    cells: [
      { head: 'Time', value: moment(one.at) },
      {
        head: 'Subject',
        value: html`<a href="/letters/${encodeURIComponent(one.id)}">${shown(one.subject)}</a>`,
      },
      { head: 'Kind', value: one.kind.replaceAll('_', ' ') },
      { head: 'Customer', value: customer(one) },
      { head: 'Sender', value: one.from },
    ],
  }));
  const count = found.length === 1 ? '1 letter' : `${found.length.toLocaleString('en-US')} letters`;
  const heading = query === '' ? count : `${count} with “${query}”`;
  const address = (page: number) =>
    `/?${new URLSearchParams({ ...(query !== '' && { q: query }), page: `${page}` })}`;
  return page(
    heading,
    html`<form class="row panel" method="get" action="/" role="search">
<label for="q">Search</label>
<input id="q" type="search" name="q" value="${withoutUnseen(query)}" maxlength="${MAX_QUERY_LENGTH}">
<button>Search</button><a href="/">${query === '' ? 'Refresh' : 'All letters'}</a></form>
${rows.length === 0 ? html`<p class="soft">No letters.</p>` : table('Letters', rows)}
${pager(window, address)}
<p class="soft">All letters are in the file <code>${shown(mailbox.file)}</code>.</p>`,
  );
}

/** The page of one letter, which shows it at the width of a screen and of a phone, and as text. */
export function letterPage(message: Message): Html {
  const source = `/letters/${encodeURIComponent(message.id)}/html`;
  const frame = (title: string) =>
    html`<iframe sandbox="${OPENS_LINKS}" title="${title}" src="${source}"></iframe>`;
  return page(
    message.subject,
    html`<dl><dt>From</dt><dd>${shown(message.from)}</dd><dt>To</dt><dd>${customer(message)}</dd>
<dt>Kind</dt><dd>${shown(message.kind.replaceAll('_', ' '))}</dd>
<dt>Time</dt><dd>${moment(message.at)} UTC</dd>
${Object.entries(message.headers).map(
  ([name, value]) => html`<dt>${shown(name)}</dt><dd>${linked(value)}</dd>`,
)}</dl>
<div class="previews"><section class="screen"><h2>On a screen</h2>${frame('The letter on a screen')}</section>
<section><h2>On a phone</h2>${frame('The letter on a phone')}</section></div>
<h2>As text</h2><pre tabindex="0" aria-label="As text">${linked(message.text)}</pre>`,
  );
}

export const missingPage = (): Html => page('Letter not found', html`<p><a href="/">All letters</a></p>`);

/** The recipient: the name from the letter's greeting, if there is one, and the address. */
function customer({ to, text }: Message): Html {
  const name = /^Hello (.+),$/m.exec(text)?.[1];
  return name === undefined
    ? html`${shown(to)}`
    : html`${shown(name)} <span class="soft">${shown(to)}</span>`;
}

function moment(iso: string): Html {
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)}</time>`;
}

/** A letter's markup, as it is shown in a frame. */
export const framed = ({ html: markup }: Message): string =>
  markup.replace('<head>', '<head><base target="_blank">');

/** Turns web addresses in text into links. */
function linked(text: string): Html[] {
  return shown(text, { lines: true })
    .split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:)])/)
    .map((piece, i) =>
      i % 2 === 0 ? html`${piece}` : html`<a href="${piece}" rel="noreferrer">${piece}</a>`,
    );
}
