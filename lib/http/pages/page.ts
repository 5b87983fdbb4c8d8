import { Html, html, type Part } from '../../html.ts';
import { parseStripePages } from '../../settings/stripe-pages.ts';
import type { Reply } from '../reply.ts';
import { navigation, type PagePath } from './navigation.ts';
import { STYLE, STYLE_HASH } from './style.ts';

/** The signed-in customer, as the top of a page shows them. */
export interface SignedIn {
  readonly name: string;
  /** Every form of the page carries it. */
  readonly formToken: string;
}

export interface Page {
  /** Also the heading of the page. */
  readonly title: string;
  readonly content: Part;
  readonly signedIn?: SignedIn;
  /** Its entry in the menu. */
  readonly path?: PagePath;
  readonly status?: number;
}

/**
 * Nothing is loaded, no script runs, no site may frame the page, and forms lead only to us. Stripe's pages
 * are allowed too, because browsers apply `form-action` to the redirect that follows a form.
 * @param more for the one page that runs Stripe's script
 */
export const policyOf = (formTargets: string, more: readonly string[] = []): string =>
  [
    "default-src 'none'",
    `style-src '${STYLE_HASH}'`,
    `form-action 'self' ${formTargets}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...more,
  ].join('; ');

/** `no-referrer`, because the address of a page can hold the secret of a link. */
export const pageHeaders = () => ({
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'Content-Security-Policy': policyOf(parseStripePages(process.env).forms),
  'Referrer-Policy': 'no-referrer',
  'X-Robots-Tag': 'noindex',
});

export const pageReply = (page: Page): Reply => ({
  status: page.status ?? 200,
  headers: pageHeaders(),
  body: documentOf(page),
});

/** Sends the browser to another of our pages or to one of Stripe's, with GET. */
export const seeOther = (location: string, cookies: readonly string[] = []): Reply => ({
  status: 303,
  headers: { ...pageHeaders(), location },
  body: '',
  cookies,
});

const documentOf = ({ title, content, signedIn, path }: Page): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · RSOLV billing</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<header>
${topOf(signedIn)}
</header>
${signedIn === undefined ? null : navigation(path)}
<main>
<h1>${title}</h1>
${content}
</main>
<footer><p>Amounts are in US dollars. Times are in UTC.</p></footer>
</body>
</html>
`.markup;

function topOf(signedIn: SignedIn | undefined): Html {
  if (signedIn === undefined) return html`<p><strong>RSOLV billing</strong></p>`;
  const signOut = formOf(signedIn, '/billing/sign-out', html`<button class="plain">Sign out</button>`);
  return html`<p><strong>RSOLV billing</strong> <span class="soft">${signedIn.name}</span></p>
${signOut}`;
}

/** A form of a signed-in customer, with the token that `customerPage` checks. */
export const formOf = ({ formToken }: SignedIn, action: string, content: Html): Html =>
  html`<form method="post" action="${action}">
<input type="hidden" name="form_token" value="${formToken}">${content}</form>`;
