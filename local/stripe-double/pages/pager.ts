import { html } from 'hono/html';
import type { Html } from './markup.ts';

export interface Window {
  readonly page: number;
  readonly pages: number;
  readonly from: number;
  readonly count: number;
}

/** The requested page, or the nearest existing one. */
export function windowOf(asked: string | undefined, count: number, size: number): Window {
  const pages = Math.max(1, Math.ceil(count / size));
  const wanted = /^\d{1,9}$/.test(asked ?? '') ? Number(asked) : 1;
  const page = Math.min(Math.max(1, wanted), pages);
  return { page, pages, from: (page - 1) * size, count };
}

/** Links to the previous and next page, if there are several. */
export function pager({ page, pages, count }: Window, address: (page: number) => string): Html | null {
  if (pages === 1) return null;
  const to = (other: number, label: string) => html`<a href="${address(other)}">${label}</a>`;
  return html`<nav class="pages" aria-label="Pages">${page > 1 ? to(page - 1, 'Newer') : null}
<span class="soft">Page ${page} of ${pages}, ${count} in all</span>${
    page < pages ? to(page + 1, 'Older') : null
  }</nav>`;
}
