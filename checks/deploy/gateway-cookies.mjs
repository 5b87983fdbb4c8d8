/*
 * Runs before the function of a page. AWS's gateway has the cookies of a request in `cookies`, where the page
 * looks for them. The emulator leaves them in the header.
 */

const { handler: page } = await import(`./${process.env.PAGE_HANDLER.replace(/\.handler$/, '.mjs')}`);

/** The handler of the page, behind the emulator. */
export function handler({ headers: { cookie, ...headers }, ...event }, context) {
  const cookies = cookie === undefined ? {} : { cookies: cookie.split('; ') };
  return page({ ...event, headers, ...cookies }, context);
}
