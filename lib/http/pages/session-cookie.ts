/**
 * `__Host-`: the browser takes the cookie only over TLS from this very host, so no other host of the domain
 * can set it. `Lax`: it is sent when a letter's link opens the page, and with no other site's form.
 */
const NAME = '__Host-rsolv_session';
const RULES = 'Path=/; HttpOnly; Secure; SameSite=Lax';

export const sessionCookie = (token: string, seconds: number): string =>
  `${NAME}=${token}; Max-Age=${seconds}; ${RULES}`;

export const clearedCookie = (): string => sessionCookie('', 0);

/** The session's token among a request's cookies. */
export const sessionCookieOf = (cookies: readonly string[] = []): string | undefined =>
  cookies.find((cookie) => cookie.startsWith(`${NAME}=`))?.slice(NAME.length + 1);
