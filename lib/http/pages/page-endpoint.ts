import { timingSafeEqual } from 'node:crypto';
import { formTokenOf, type PresentedToken, parseToken } from '../../domain/access/tokens.ts';
import { BillingError, PROBLEMS } from '../../errors.ts';
import { html } from '../../html.ts';
import type { Deps } from '../../runtime/deps.ts';
import { runningDeps } from '../../runtime/running.ts';
import { keyStillWorks, sessionAt } from '../../store/access/tokens.ts';
import { type Key, keys } from '../../store/keys.ts';
import { type Item, readTogether } from '../../store/table.ts';
import { type Handler, handlerOf, type Notes } from '../handler.ts';
import type { ParsedEvent } from '../input.ts';
import { ownAddress } from '../own-address.ts';
import type { Reply } from '../reply.ts';
import { type Source, sourceOf } from '../source.ts';
import { pageHeaders, pageReply, seeOther } from './page.ts';
import { countOf } from './parts.ts';
import { clearedCookie, sessionCookieOf } from './session-cookie.ts';

const MAX_FORM_BYTES = 8 * 1024;

export interface PageRoute {
  readonly method: 'GET' | 'POST';
  readonly path: `/billing${string}`;
  /** For the page that runs Stripe's script. Others have `pageHeaders`. */
  readonly headers?: () => Readonly<Record<string, string>>;
}

/** A request for a page, or a form that was sent. */
export interface PageRequest extends Source {
  readonly query: URLSearchParams;
  /** The fields of the form; none for GET. */
  readonly form: URLSearchParams;
  /** The browser sent a session cookie, which may be invalid. */
  readonly hasSession: boolean;
}

/** A request of a signed-in customer. */
export interface SessionRequest extends PageRequest {
  readonly customerId: string;
  readonly session: PresentedToken;
  readonly formToken: string;
  /** The items of `alsoRead`, in its order. */
  readonly items: readonly (Item | undefined)[];
  /** When `items` were read. */
  readonly at: Date;
}

/** A page or form that needs no session. */
export const publicPage = (
  route: PageRoute,
  run: (deps: Deps, request: PageRequest) => Promise<Reply>,
): Handler => pageHandler(route, async (event) => run(runningDeps(), requestOf(event, route)));

/**
 * A form that needs no session and is accepted from other sites, because mail programs send it from their own
 * servers and pages. Its address holds a secret that other sites do not know.
 */
export const sentByMailProgram = (
  route: PageRoute,
  run: (deps: Deps, request: PageRequest) => Promise<Reply>,
): Handler => pageHandler(route, async (event) => run(runningDeps(), partsOf(event, route)));

/**
 * A page or form of a signed-in customer. Without a valid session, redirects to the sign-in page. One read
 * fetches the session and the items of `alsoRead`. A form must carry the form token of the session.
 */
export const customerPage = (
  route: PageRoute,
  alsoRead: (customerId: string, at: Date) => readonly Key[],
  run: (deps: Deps, request: SessionRequest) => Promise<Reply>,
): Handler =>
  pageHandler(route, async (event, notes) => {
    const deps = runningDeps();
    const request = requestOf(event, route);
    const token = sessionCookieOf(event.cookies);
    const session = token === undefined ? null : parseToken('session', token);
    if (token === undefined || session === null) return toSignIn();
    const { customerId, tokenId } = session;
    const at = deps.now();
    const wanted = [keys.session(customerId, tokenId), ...alsoRead(customerId, at)];
    const [stored, ...items] = await readTogether(deps.table, wanted);
    if (!(await isSignedIn(deps, customerId, stored, at))) return toSignIn();
    notes.customerId = customerId;
    const formToken = formTokenOf(token);
    if (route.method === 'POST') requireFormToken(request.form.get('form_token'), formToken);
    return run(deps, { ...request, customerId, session, formToken, items, at });
  });

/** A signed-in customer on a page that everyone may open. */
export interface SignedInVisitor {
  readonly customerId: string;
  readonly formToken: string;
}

/** A page that everyone may open. Without a valid session, `visitor` is null and it may show less. */
export const visitorPage = (
  route: PageRoute,
  run: (deps: Deps, request: PageRequest, visitor: SignedInVisitor | null) => Promise<Reply>,
): Handler =>
  pageHandler(route, async (event) => {
    const deps = runningDeps();
    const request = requestOf(event, route);
    const token = sessionCookieOf(event.cookies);
    const session = token === undefined ? null : parseToken('session', token);
    if (token === undefined || session === null) return run(deps, request, null);
    const { customerId, tokenId } = session;
    const [stored] = await readTogether(deps.table, [keys.session(customerId, tokenId)]);
    const isValid = await isSignedIn(deps, customerId, stored, deps.now());
    return run(deps, request, isValid ? { customerId, formToken: formTokenOf(token) } : null);
  });

/** Whether a stored session holds, and the API key that it came from still works. */
async function isSignedIn(
  { table }: Deps,
  customerId: string,
  stored: Item | undefined,
  at: Date,
): Promise<boolean> {
  const session = sessionAt(stored, at);
  return session !== null && (await keyStillWorks(table, customerId, session));
}

const toSignIn = (): Reply => seeOther('/billing/sign-in', [clearedCookie()]);

function pageHandler(
  route: PageRoute,
  answer: (event: ParsedEvent, notes: Notes) => Promise<Reply>,
): Handler {
  const handler = handlerOf({ ...route, maxBodyBytes: MAX_FORM_BYTES }, answer, {
    problemAnswer: problemPage,
  });
  return async (event, context) => {
    const result = await handler(event, context);
    // `handlerOf` sets a policy that allows no style, so the page's headers replace it. The content type
    // stays, because a route may also return a file.
    const page = (route.headers ?? pageHeaders)();
    const type = { 'content-type': String(result.headers?.['content-type'] ?? page['content-type']) };
    return { ...result, headers: { ...result.headers, ...page, ...type } };
  };
}

/** @throws BillingError form_outdated if another site sent the form */
function requestOf(event: ParsedEvent, route: PageRoute): PageRequest {
  if (route.method === 'POST') refuseOtherSites(event);
  return partsOf(event, route);
}

const partsOf = (event: ParsedEvent, { method }: PageRoute): PageRequest => ({
  query: new URLSearchParams(event.rawQueryString),
  form: new URLSearchParams(method === 'POST' ? textOf(event) : ''),
  ...sourceOf(event),
  hasSession: sessionCookieOf(event.cookies) !== undefined,
});

function textOf({ body, isBase64Encoded }: ParsedEvent): string {
  const text = typeof body === 'string' ? body : '';
  return isBase64Encoded ? Buffer.from(text, 'base64').toString() : text;
}

/** Browsers name the site of a form. Old ones send only an origin, "null" because of our referrer policy. */
function refuseOtherSites({ headers }: ParsedEvent): void {
  const site = headers['sec-fetch-site'];
  const origin = headers['origin'];
  const isOurs =
    site === undefined
      ? origin === undefined || origin === 'null' || origin === ownAddress(headers['host'])
      : site === 'same-origin';
  if (!isOurs) throw outdated();
}

function requireFormToken(sent: string | null, expected: string): void {
  const bytes = Buffer.from(sent ?? '');
  const wanted = Buffer.from(expected);
  if (bytes.length !== wanted.length || !timingSafeEqual(bytes, wanted)) throw outdated();
}

const outdated = (): BillingError =>
  new BillingError(
    'form_outdated',
    'This form is out of date, or another site sent it. Nothing was changed.',
  );

/** A failure as a page, with a link back to the account. */
function problemPage({ code, message, facts }: BillingError, requestId: string): Reply {
  const { status, title, ...known }: { status: number; title: string; retryAfterSeconds?: number } =
    PROBLEMS[code];
  const wait = facts.retryAfterSeconds ?? known.retryAfterSeconds;
  const reply = pageReply({
    title,
    status,
    content: html`<section class="problem"><p>${message}</p>
${wait === undefined ? null : html`<p>Try again in ${waitOf(wait)}.</p>`}
<p><a href="/billing">Go to your account</a></p></section>
<p class="soft"><small>Request ${requestId}</small></p>`,
  });
  return {
    ...reply,
    headers: { ...reply.headers, ...(wait === undefined ? {} : { 'retry-after': String(wait) }) },
  };
}

/** Rounds up: 5 → "5 seconds", 3600 → "60 minutes", 86400 → "24 hours". */
function waitOf(seconds: number): string {
  if (seconds < 120) return countOf(seconds, 'second');
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? countOf(minutes, 'minute') : countOf(Math.ceil(minutes / 60), 'hour');
}

type RouteKey = `${PageRoute['method']} ${PageRoute['path']}`;

/** Several pages in one function, so that a customer on these pages waits for only one cold start. */
export function routed(pages: Readonly<Record<RouteKey, (route: PageRoute) => Handler>>): Handler {
  const handlers = new Map<string, Handler>();
  for (const [key, make] of Object.entries(pages)) {
    handlers.set(key, make(routeOf(key)));
  }
  return async (event, context) => {
    const handler = handlers.get(event.routeKey);
    if (handler === undefined) throw new Error(`There is no page for ${event.routeKey}.`);
    return handler(event, context);
  };
}

function routeOf(key: string): PageRoute {
  const [, method, path] = /^(GET|POST) \/billing(.*)$/.exec(key) ?? [];
  if (method !== 'GET' && method !== 'POST') throw new Error(`${key} is no page`);
  return { method, path: `/billing${path ?? ''}` };
}
