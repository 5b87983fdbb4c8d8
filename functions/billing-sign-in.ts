import { SESSION_MINUTES } from '../lib/domain/access/tokens.ts';
import { SIGN_INS } from '../lib/http/call-limits.ts';
import { seeOther } from '../lib/http/pages/page.ts';
import { customerPage, publicPage, routed } from '../lib/http/pages/page-endpoint.ts';
import { clearedCookie, sessionCookie } from '../lib/http/pages/session-cookie.ts';
import { emailOf, enterPage, linkSentPage, signInPage } from '../lib/http/pages/sign-in.ts';
import { limitRate } from '../lib/http/rate-limit.ts';
import { requestSignIn } from '../lib/operations/access/request-sign-in.ts';
import { signIn, signOut } from '../lib/operations/access/sign-in.ts';

/** Signing in to the billing page, and signing out. */
export const handler = routed({
  'GET /billing/sign-in': (route) => publicPage(route, async () => signInPage()),
  'POST /billing/sign-in': (route) =>
    publicPage(route, async (deps, { form, sourceIp }) => {
      await limitRate(deps, SIGN_INS, sourceIp);
      const email = emailOf(form);
      if (email === null) return signInPage('Enter your e-mail address, for example ada@acme.dev.');
      await requestSignIn(deps, { email, sourceIp });
      return linkSentPage();
    }),
  // A mail scanner may open a link, so opening it changes nothing.
  'GET /billing/enter': (route) => publicPage(route, async (_, { query }) => enterPage(query.get('link'))),
  'POST /billing/enter': (route) =>
    publicPage(route, async (deps, { form, sourceIp }) => {
      const { token, confirmed } = await signIn(deps, form.get('link') ?? '', sourceIp);
      return seeOther(confirmed ? '/billing/keys?confirmed=1' : '/billing', [
        sessionCookie(token, SESSION_MINUTES * 60),
      ]);
    }),
  'POST /billing/sign-out': (route) =>
    customerPage(
      route,
      () => [],
      async (deps, { session }) => {
        await signOut(deps, session);
        return seeOther('/billing/sign-in', [clearedCookie()]);
      },
    ),
});
