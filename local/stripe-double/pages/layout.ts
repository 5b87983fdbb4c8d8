import { html, raw } from 'hono/html';
import type { Double } from '../double.ts';
import { button } from './actions.ts';
import { moment } from './format.ts';
import { LISTINGS } from './kinds.ts';
import { type Html, type Part, shown } from './markup.ts';
import { STYLE } from './style.ts';

const HOUR_SECONDS = 60 * 60;
const STEPS = [
  { name: 'An hour', seconds: HOUR_SECONDS },
  { name: 'A day', seconds: 24 * HOUR_SECONDS },
  { name: '31 days', seconds: 31 * 24 * HOUR_SECONDS },
];

export interface Page {
  readonly title: string;
  /** The page's own address, to which a button returns. */
  readonly path: string;
  readonly notice?: Part;
  readonly body: Part;
}

/** The common parts of every page: navigation, the clock and its buttons. No script. */
export function layout(double: Double, { title, path, notice, body }: Page): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${shown(title)} · Stripe double</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<div class="top"><a class="name" href="/">Stripe double</a>
<span class="soft">Not Stripe: nothing here is real money.</span><a href="${path}">Refresh</a></div>
<nav class="lists" aria-label="Lists"><ul>${LISTINGS.map((one) => tab(double, one, path))}</ul></nav>
${clock(double, path)}
</header>
<main id="content">
${notice}
<h1>${shown(title)}</h1>
${body}
</main>
</body>
</html>
`;
}

function tab(double: Double, { path, title, count }: (typeof LISTINGS)[number], current: string): Html {
  const here = current === `/${path}` ? html` aria-current="page"` : null;
  return html`<li><a href="/${path}"${here}>${title}</a> <span class="soft">${count(double)}</span></li>`;
}

function clock(double: Double, back: string): Html {
  const now = double.clock.nowSeconds;
  const next = double.schedule.pending.find(({ at }) => at > now);
  const buttons = STEPS.map(({ name, seconds }) =>
    button({ label: name, control: '/_double/clock', input: { seconds }, back }),
  );
  return html`<section class="panel" aria-label="Clock">
<div class="row"><span>The double's clock: <strong>${moment(now)}</strong> UTC. Move it ahead by</span>
${buttons}</div>
${
  next === undefined
    ? null
    : html`<div class="row"><span class="soft">Next task: ${shown(next.what)}, ${moment(next.at)}</span>
${button({ label: 'Move to it', control: '/_double/clock', input: { to: next.at }, back })}</div>`
}
</section>`;
}
