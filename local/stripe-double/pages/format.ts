import { html } from 'hono/html';
import { type Part, shown } from './markup.ts';

export const money = (amount: number, currency: string): string =>
  new Intl.NumberFormat('en-US', { style: 'currency', currency }).format(amount / 100);

/** A moment of the stand-in's clock, in UTC. */
export function moment(seconds: number | null | undefined): Part {
  if (seconds === null || seconds === undefined) return null;
  const iso = new Date(seconds * 1_000).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)}</time>`;
}

/** A moment of real time. */
export const momentMs = (ms: number): Part => moment(Math.floor(ms / 1_000));

export const code = (text: string | null | undefined): Part =>
  text === null || text === undefined || text === '' ? null : html`<code>${shown(text)}</code>`;

/** A link to the page of an object. */
export const link = (id: string | null | undefined): Part =>
  id === null || id === undefined
    ? null
    : html`<a href="/objects/${encodeURIComponent(id)}"><code>${id}</code></a>`;

const GOOD: ReadonlySet<string> = new Set(['succeeded', 'active', 'paid', 'won', 'trialing', 'enabled']);
const BAD: ReadonlySet<string> = new Set([
  ...['requires_payment_method', 'past_due', 'unpaid', 'lost', 'needs_response', 'uncollectible'],
  ...['failed', 'warning_needs_response', 'incomplete'],
]);

/** A state in a colour by its mood, with the reason below it if known. */
export function state(word: string | null, why?: string): Part {
  if (word === null) return null;
  const mood = GOOD.has(word) ? 'good' : BAD.has(word) ? 'bad' : 'plain';
  const reason = why === undefined ? null : html`<span class="why">${shown(why.replaceAll('_', ' '))}</span>`;
  return html`<span class="${mood}">${word.replaceAll('_', ' ')}${reason}</span>`;
}

export const answer = (status: number | null, error: string | null = null): Part => {
  if (status === null) return html`<span class="bad">${shown(error ?? 'no answer')}</span>`;
  return html`<span class="${status < 300 ? 'good' : 'bad'}">${status}</span>`;
};

const SHOWN_PAIRS = 5;

/** The merchant's metadata of an object. */
export function metadata(pairs: Readonly<Record<string, string>> | null): Part {
  const all = Object.entries(pairs ?? {});
  if (all.length === 0) return null;
  const items = all
    .slice(0, SHOWN_PAIRS)
    .map(([name, value]) => html`<li><span class="soft">${shown(name)}</span> ${shown(value)}</li>`);
  const more =
    all.length > SHOWN_PAIRS ? html`<li class="soft">and ${all.length - SHOWN_PAIRS} more</li>` : null;
  return html`<ul class="pairs">${items}${more}</ul>`;
}
