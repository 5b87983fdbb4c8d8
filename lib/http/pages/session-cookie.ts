/**
 * `__Host-`: the browser accepts the cookie only from this host and over TLS, so no other host of the domain
 * can set it. `Lax`: it is sent when the link of a letter opens the page, but not with another site's form.
 */
const NAME = '__Host-rsolv_session';
const RULES = 'Path=/; HttpOnly; Secure; SameSite=Lax';

export const sessionCookie = (token: string, seconds: number): string =>
  `${NAME}=${token}; Max-Age=${seconds}; ${RULES}`;

export const clearedCookie = (): string => sessionCookie('', 0);

/** The session's token among a request's cookies. */
export const sessionCookieOf = (cookies: readonly string[] = []): string | undefined =>
  cookies.find((cookie) => cookie.startsWith(`${NAME}=`))?.slice(NAME.length + 1);
