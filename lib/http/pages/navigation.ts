import { type Html, html } from '../../html.ts';

/** The pages of a signed-in customer, in the order of the menu. */
const PAGES = {
  '/billing': 'Account',
  '/billing/plan': 'Plan',
  '/billing/card': 'Card',
  '/billing/statement': 'Statement',
  '/billing/documents': 'Invoices',
  '/billing/keys': 'API keys',
  '/billing/settings': 'Settings',
} as const;
export type PagePath = keyof typeof PAGES;

/** @param current the page that is shown; undefined for one that is not in the menu */
export const navigation = (current: PagePath | undefined): Html =>
  html`<nav aria-label="Pages"><ul>${Object.entries(PAGES).map(
    ([path, name]) =>
      html`<li><a href="${path}"${path === current ? html` aria-current="page"` : null}>${name}</a></li>`,
  )}</ul></nav>`;
