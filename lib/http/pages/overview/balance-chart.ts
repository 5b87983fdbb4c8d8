import type { StatementLine } from '../../../domain/statement/lines.ts';
import { Html, html } from '../../../html.ts';
import { counted, countOf, dayOf } from '../parts.ts';

/* The balance over time, drawn on the server. Its labels are HTML, because the SVG is stretched to fit. */

const WIDTH = 1_000;
const HEIGHT = 200;

interface Moment {
  readonly ms: number;
  readonly balance: number;
}

/**
 * The balance after each of these changes, until now. Null if there are too few to draw.
 * @param newest changes, newest first
 * @param isAll the account has no older changes
 */
export function balanceChart(newest: readonly StatementLine[], isAll: boolean, at: Date): Html | null {
  const [latest, oldest] = [newest[0], newest.at(-1)];
  if (latest === undefined || oldest === undefined || newest.length < 2) return null;
  const moments = newest
    .toReversed()
    .map(({ at: time, balanceAfter }) => ({ ms: Date.parse(time), balance: balanceAfter }));
  const balances = moments.map(({ balance }) => balance);
  const [least, most] = [Math.min(...balances), Math.max(...balances)];
  const top = topOf(most);
  const line = lineOf(moments, at.getTime(), top);
  const said =
    `The balance moved between ${counted(least)} and ${countOf(most, 'credit')} ` +
    `and is ${counted(latest.balanceAfter)} now.`;
  const span = isAll ? 'Since the account was opened' : `The last ${counted(newest.length)} changes`;
  const scale = [top, top / 2, 0].map((label) => html`<span>${counted(label)}</span>`);
  return html`<figure class="chart">
<figcaption>${span}, from ${dayOf(oldest.at)} until now. ${said}</figcaption>
<div class="plot"><p class="scale" aria-hidden="true">${scale}</p>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none"
  role="img" aria-labelledby="balance-title balance-text">
<title id="balance-title">Balance over time</title><desc id="balance-text">${said}</desc>
<path class="grid" d="M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}"/>
<path class="area" d="${line}V${HEIGHT}H0Z"/><path class="line" d="${line}"/></svg></div>
<p class="ends" aria-hidden="true"><span>${dayOf(oldest.at)}</span><span>now</span></p>
</figure>`;
}

/** Steps, because the balance is constant between changes. Contains only numbers: safe as markup. */
function lineOf(moments: readonly Moment[], now: number, top: number): Html {
  const start = moments[0]?.ms ?? now;
  const x = (ms: number) => tenths(((ms - start) / Math.max(1, now - start)) * WIDTH);
  const y = (balance: number) => tenths(HEIGHT - (balance / top) * HEIGHT);
  const steps = moments.slice(1).map(({ ms, balance }) => `H${x(ms)}V${y(balance)}`);
  return new Html(`M0 ${y(moments[0]?.balance ?? 0)}${steps.join('')}H${WIDTH}`);
}

const tenths = (value: number): number => Math.round(value * 10) / 10;

const TOPS = [2, 4, 6, 8, 10];

/** The smallest round number that is at least `most` and has a round half. */
function topOf(most: number): number {
  let unit = 1;
  while (most > unit * 10) unit *= 10;
  return (TOPS.find((top) => top * unit >= most) ?? 10) * unit;
}
