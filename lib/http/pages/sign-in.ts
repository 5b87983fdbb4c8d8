import { LINK_MINUTES } from '../../domain/access/tokens.ts';
import { emailFault, mailForm } from '../../domain/email.ts';
import { html } from '../../html.ts';
import type { Reply } from '../reply.ts';
import { pageReply } from './page.ts';

const MAX_EMAIL = 254;

/** The address in a sign-in form, as sign-up stores it; null if it is not an e-mail address. */
export function emailOf(form: URLSearchParams): string | null {
  const email = mailForm((form.get('email') ?? '').trim());
  return email.length <= MAX_EMAIL && emailFault(email) === null ? email : null;
}

/** @param problem what is wrong with the form that was sent */
export const signInPage = (problem?: string): Reply =>
  pageReply({
    title: 'Sign in',
    status: problem === undefined ? 200 : 422,
    content: html`<section>
<p>We send a link to the e-mail address of your account. It works once, for ${LINK_MINUTES} minutes.</p>
<form method="post" action="/billing/sign-in">
<label for="email">E-mail address</label>
${
  problem === undefined
    ? html`<input id="email" name="email" type="email" autocomplete="email" required>`
    : html`<input id="email" name="email" type="email" autocomplete="email" required
  aria-invalid="true" aria-describedby="problem">
<p id="problem" role="alert">${problem}</p>`
}
<p><button>Send the link</button></p>
</form>
</section>
<p class="soft">With an API key for the whole account,
<code>POST /api/v1/billing-links</code> makes a link too.</p>`,
  });

/** The same for every address, so that callers cannot learn who is a customer. */
export const linkSentPage = (): Reply =>
  pageReply({
    title: 'Check your mailbox',
    content: html`<section>
<p>If this address has an account, a letter with a link is on its way.</p>
<p>Nothing came? Check your spam folder, or <a href="/billing/sign-in">try another address</a>.</p>
</section>`,
  });

/** Asks for a click, because mail scanners open links but submit no forms. */
export const enterPage = (link: string | null): Reply =>
  pageReply({
    title: 'Sign in',
    content:
      link === null
        ? html`<section><p>This link is incomplete. Open the whole link from the letter, or
<a href="/billing/sign-in">ask for another one</a>.</p></section>`
        : html`<section>
<form method="post" action="/billing/enter">
<input type="hidden" name="link" value="${link}">
<p><button>Go to the billing page</button></p>
</form>
</section>`,
  });
