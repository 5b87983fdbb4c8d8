import type { Context } from 'hono';
import { html } from 'hono/html';
import type { Double } from '../double.ts';
import { withOrigin } from '../hosted.ts';
import type { App } from '../http/app.ts';
import { withoutSecrets } from '../without-secrets.ts';
import { addActions, button, doneText } from './actions.ts';
import { buttonsFor } from './buttons.ts';
import { addDocuments } from './documents.ts';
import { addHostedPages } from './hosted-pages.ts';
import { LISTINGS } from './kinds.ts';
import { layout, type Page } from './layout.ts';
import type { Listing } from './listing.ts';
import { type Html, type Part, shown } from './markup.ts';
import { pager, windowOf } from './pager.ts';
import { policyOf, STYLE } from './style.ts';
import { facts, table } from './table.ts';

const ROWS_A_PAGE = 50;
const ROWS_AT_A_GLANCE = 8;
const RELATED_ROWS = 20;
const AT_A_GLANCE: readonly string[] = [
  'payments',
  'customers',
  'subscriptions',
  'invoices',
  'disputes',
  'events',
];

const POLICY = policyOf({ style: STYLE });

/** Pages of the stand-in's state: lists, a page per object, and buttons for the controls. */
export function addPages(app: App, double: Double): void {
  const page = (c: Context, { notice, ...one }: Page, status: 200 | 404 = 200) => {
    const done = doneText(c.req.query('done'));
    c.header('content-security-policy', POLICY);
    c.header('referrer-policy', 'same-origin');
    c.header('cache-control', 'no-store');
    const said = done === null ? notice : html`<p class="notice" role="status">${done}</p>`;
    return c.html(layout(double, { ...one, notice: said }), status);
  };
  app.get('/', (c) => page(c, { title: 'At a glance', path: '/', body: glance(double) }));
  for (const listing of LISTINGS) {
    app.get(`/${listing.path}`, (c) => page(c, listPage(double, listing, c.req.query('page'))));
  }
  app.get('/objects/:id', (c) => {
    const { found, ...one } = objectPage(double, c.req.param('id'));
    return page(c, one, found ? 200 : 404);
  });
  addDocuments(app, double, page);
  addHostedPages(app, double, page);
  addActions(app, double, (problem, back) =>
    layout(double, {
      title: 'Not done',
      path: '/',
      body: html`<p class="notice problem" role="alert">${shown(problem)}</p>
<p><a href="${back}">Back</a></p>`,
    }),
  );
}

function glance(double: Double): Html {
  const linkToAll = ({ path, title, count }: Listing): Html =>
    html`<p><a href="/${path}">All ${count(double)} ${title.toLowerCase()}</a></p>`;
  const sections = LISTINGS.filter(({ path }) => AT_A_GLANCE.includes(path)).map(
    (one) => html`<section><h2>${one.title}</h2>${table(one.title, one.rows(double, 0, ROWS_AT_A_GLANCE))}
${one.count(double) > ROWS_AT_A_GLANCE ? linkToAll(one) : null}</section>`,
  );
  return html`${webhooks(double)}${faults(double)}${sections}`;
}

function webhooks({ deliveries: { mode, heldCount } }: Double): Html {
  const set = (label: string, off: boolean) =>
    button({ label, control: '/_double/webhooks', input: { off }, back: '/' });
  const release = button({ label: 'Send them', control: '/_double/webhooks/release', input: {}, back: '/' });
  return html`<section class="panel" aria-label="Webhooks">
<div class="row"><span>${webhookLine(mode, heldCount)}</span>
${mode.off ? set('Stop holding them back', false) : set('Hold webhooks back', true)}
${heldCount > 0 && !mode.off ? release : null}</div></section>`;
}

function webhookLine(
  { off, shuffle, duplicates, delayMs }: Double['deliveries']['mode'],
  held: number,
): string {
  if (off) return `Webhooks are held back: ${held} waiting.`;
  const how = [
    shuffle ? 'shuffled' : '',
    duplicates > 0 ? `${duplicates + 1} times each` : '',
    delayMs > 0 ? `${delayMs} ms late` : '',
  ].filter((word) => word !== '');
  const waiting = held === 0 ? '' : ` ${held} were held back before.`;
  return how.length === 0
    ? `Webhooks go out as things happen.${waiting}`
    : `Webhooks go out ${how.join(', ')}.${waiting}`;
}

function faults({ faults: { waiting } }: Double): Part {
  if (waiting.length === 0) return null;
  const items = waiting.map(
    ({ method, path, kind, times }) =>
      html`<li><code>${method ?? 'any'} ${shown(path)}</code>:
${kind.replaceAll('_', ' ')}, ${times} to go</li>`,
  );
  return html`<section class="panel" aria-label="Faults"><p>Faults for the next calls:</p><ul>${items}</ul>
${button({ label: 'Remove them', control: '/_double/faults/clear', input: {}, back: '/' })}</section>`;
}

function listPage(double: Double, { path, title, count, rows }: Listing, asked: string | undefined): Page {
  const window = windowOf(asked, count(double), ROWS_A_PAGE);
  return {
    title,
    path: `/${path}`,
    body: html`${table(title, rows(double, window.from, ROWS_A_PAGE))}
${pager(window, (page) => `/${path}?page=${page}`)}`,
  };
}

function objectPage(double: Double, id: string): Page & { readonly found: boolean } {
  const path = `/objects/${encodeURIComponent(id)}`;
  for (const listing of LISTINGS) {
    const found = listing.find(double, id);
    if (found === null) continue;
    const buttons = buttonsFor(double, id);
    return {
      found: true,
      title: id,
      path,
      body: html`${facts(found.row)}
${buttons.length === 0 ? null : html`<div class="row">${buttons}</div>`}
${LISTINGS.map((other) => related(double, other, id))}
<h2>As JSON</h2>${json(double, found.object)}`,
    };
  }
  const other = double.state.findAny(id);
  if (other !== undefined) return { found: true, title: id, path, body: json(double, other) };
  return {
    found: false,
    title: 'No such object',
    path: '/',
    body: html`<p>The double has no ${shown(id)}.</p>`,
  };
}

function related(double: Double, { title, about }: Listing, id: string): Part {
  const rows = about(double, id, RELATED_ROWS);
  const heading = rows.length < RELATED_ROWS ? title : `${title}, the newest ${RELATED_ROWS}`;
  return rows.length === 0 ? null : html`<h2>${heading}</h2>${table(title, rows)}`;
}

/** A quoted id in JSON text. */
const ID = /"([a-z]{2,8}_[A-Za-z0-9]+)"/;

/** An object as JSON; the id of every object in the stand-in is a link. */
function json(double: Double, object: unknown): Html {
  const plain = withOrigin(JSON.stringify(withoutSecrets(object), null, 2), double.deliveries.origin);
  const text = shown(plain, { lines: true });
  const pieces = text.split(ID);
  const marked = pieces.map((piece, i) => {
    if (i % 2 === 0) return html`${piece}`;
    return isKnown(double, piece) ? html`"<a href="/objects/${piece}">${piece}</a>"` : html`"${piece}"`;
  });
  return html`<pre tabindex="0" aria-label="As JSON"><code>${marked}</code></pre>`;
}

const isKnown = ({ state, calls }: Double, id: string): boolean =>
  state.findAny(id) !== undefined ||
  state.events.find(id) !== undefined ||
  state.webhookEndpoints.find(id) !== undefined ||
  calls.all.some(({ requestId }) => requestId === id);
