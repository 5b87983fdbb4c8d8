import { timingSafeEqual } from 'node:crypto';
import { formTokenOf, type PresentedToken, parseToken } from '../../domain/access/tokens.ts';
import { BillingError, PROBLEMS } from '../../errors.ts';
import { html } from '../../html.ts';
import type { Deps } from '../../runtime/deps.ts';
import { runningDeps } from '../../runtime/running.ts';
import { sessionAt } from '../../store/access/tokens.ts';
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

/** The forms of the pages are small. */
const MAX_FORM_BYTES = 8 * 1024;

export interface PageRoute {
  readonly method: 'GET' | 'POST';
  readonly path: `/billing${string}`;
  /** For the page that runs Stripe's script. Others have `pageHeaders`. */
  readonly headers?: () => Readonly<Record<string, string>>;
}

/** A request for a page without a session. */
export interface PageRequest extends Source {
  readonly query: URLSearchParams;
  /** The fields of the form; none for GET. */
  readonly form: URLSearchParams;
  /** The browser sent a session cookie, which may have expired. */
  readonly hasSession: boolean;
}

/** A request of a signed-in customer. */
export interface SessionRequest extends PageRequest {
  readonly customerId: string;
  readonly session: PresentedToken;
  readonly formToken: string;
  /** The items that the page asked for, in its order. */
  readonly items: readonly (Item | undefined)[];
  /** When `items` were read. */
  readonly at: Date;
}

/** A page without a session. */
export const publicPage = (
  route: PageRoute,
  run: (deps: Deps, request: PageRequest) => Promise<Reply>,
): Handler => pageHandler(route, async (event) => run(runningDeps(), requestOf(event, route)));

/**
 * A form without a session that mail programs send too, from their own servers and pages. The address of the
 * form holds a secret that allows this and nothing else, so another site gains nothing by sending it.
 */
export const sentByMailProgram = (
  route: PageRoute,
  run: (deps: Deps, request: PageRequest) => Promise<Reply>,
): Handler => pageHandler(route, async (event) => run(runningDeps(), partsOf(event, route)));

/**
 * A page or form of a signed-in customer. Without a valid session the browser is sent to the sign-in page.
 * One read fetches the session and what the page needs. A form needs the session's form token too.
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
    if (sessionAt(stored, at) === null) return toSignIn();
    notes.customerId = customerId;
    const formToken = formTokenOf(token);
    if (route.method === 'POST') requireFormToken(request.form.get('form_token'), formToken);
    return run(deps, { ...request, customerId, session, formToken, items, at });
  });

/** The signed-in customer of a page that everyone may open. */
export interface Visitor {
  readonly customerId: string;
  readonly formToken: string;
}

/** A page for everyone, which may show more to a signed-in customer; null without a valid session. */
export const visitorPage = (
  route: PageRoute,
  run: (deps: Deps, request: PageRequest, visitor: Visitor | null) => Promise<Reply>,
): Handler =>
  pageHandler(route, async (event) => {
    const deps = runningDeps();
    const request = requestOf(event, route);
    const token = sessionCookieOf(event.cookies);
    const session = token === undefined ? null : parseToken('session', token);
    if (token === undefined || session === null) return run(deps, request, null);
    const { customerId, tokenId } = session;
    const [stored] = await readTogether(deps.table, [keys.session(customerId, tokenId)]);
    const isValid = sessionAt(stored, deps.now()) !== null;
    return run(deps, request, isValid ? { customerId, formToken: formTokenOf(token) } : null);
  });

const toSignIn = (): Reply => seeOther('/billing/sign-in', [clearedCookie()]);

function pageHandler(
  route: PageRoute,
  answer: (event: ParsedEvent, notes: Notes) => Promise<Reply>,
): Handler {
  const handler = handlerOf({ ...route, body: undefined, maxBodyBytes: MAX_FORM_BYTES }, answer, problemPage);
  return async (event, context) => {
    const result = await handler(event, context);
    // The security headers are added last and allow no style; the page's own policy allows its style. A page
    // may also answer a file.
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

/** Browsers say where a form comes from. Old ones send only the origin, which is "null" for our pages. */
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

/** A failure as a page, with the way back. */
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

/** 5 → "5 seconds", 3600 → "60 minutes", 86400 → "24 hours"; never too short. */
function waitOf(seconds: number): string {
  if (seconds < 120) return countOf(seconds, 'second');
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? countOf(minutes, 'minute') : countOf(Math.ceil(minutes / 60), 'hour');
}

type RouteKey = `${PageRoute['method']} ${PageRoute['path']}`;

/** One function for several pages: a customer who goes from page to page waits for one cold start. */
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
