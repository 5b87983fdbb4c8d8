import type { StripeLine } from '../../lib/stripe/sdk.ts';
import type { Double } from '../../local/stripe-double/double.ts';
import { Refusal } from '../../local/stripe-double/http/errors.ts';
import { type Asked, exchange, type Reply } from '../../local/stripe-double/http/exchange.ts';
import type { Ids, Route } from '../../local/stripe-double/http/route.ts';
import { ROUTES } from '../../local/stripe-double/routes.ts';

/*
 * Connects the SDK to a Stripe stand-in in the same process: the same routes, without sockets and real time.
 */

type HttpClient = NonNullable<StripeLine['httpClient']>;
type Response = Awaited<ReturnType<HttpClient['makeRequest']>>;
type Headers = Parameters<HttpClient['makeRequest']>[4];

/** Sends one request to the stand-in. */
export type Ask = (method: string, path: string, headers: Headers, body: string) => Promise<Reply>;

/** The routes of the stand-in as one function. */
export function routesOf(double: Double): Ask {
  const routes = ROUTES.map((route) => ({ route, matches: patternOf(route.path) }));
  return async (method, path, headers, body) => {
    const [where = '', query = ''] = path.split('?', 2);
    for (const { route, matches } of routes) {
      if (route.method !== method) continue;
      const ids = matches(where);
      if (ids !== null) return replied(double, route, askedOf(double, { where, query, body, ids, headers }));
    }
    throw new Error(`The double has nothing at ${method} ${where}`);
  };
}

/** The SDK's HTTP client that sends through `ask`. */
export const httpClientOf = (ask: Ask): HttpClient => ({
  getClientName: () => 'in process',
  makeRequest: async (_host, _port, path, method, headers, body) =>
    responseTo(await ask(method, path, headers, body)),
});

/** A connection without faults and waits. */
export const stripeInProcess = (double: Double): StripeLine => ({
  maxNetworkRetries: 0,
  sleep: async () => {},
  random: () => 0.5,
  httpClient: httpClientOf(routesOf(double)),
});

async function replied(double: Double, route: Route, asked: Asked): Promise<Reply> {
  try {
    return await exchange(double, route, asked);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { status, body, headers } = error;
    return { status, body: JSON.stringify({ error: body }), headers, replayed: false, fault: null };
  }
}

function askedOf(
  double: Double,
  {
    where,
    query,
    body,
    ids,
    headers,
  }: { where: string; query: string; body: string; ids: Ids; headers: Headers },
): Asked {
  const key = headerOf(headers, 'Idempotency-Key');
  const version = headerOf(headers, 'Stripe-Version');
  return {
    requestId: double.newId('req'),
    path: where,
    query,
    body: body ?? '',
    ids,
    idempotencyKey: key,
    version,
  };
}

function headerOf(headers: Headers, name: string): string | null {
  const value: unknown = Object.entries(headers).find(
    ([one]) => one.toLowerCase() === name.toLowerCase(),
  )?.[1];
  return typeof value === 'string' ? value : null;
}

/** @throws Error if the connection was cut */
function responseTo(reply: Reply): Response {
  if ('dropped' in reply) throw new Error('the connection was cut');
  return {
    getStatusCode: () => reply.status,
    getHeaders: () => ({
      'content-type': 'application/json',
      'request-id': 'req_in_process',
      ...reply.headers,
    }),
    getRawResponse: () => reply,
    toStream: () => {
      throw new Error('nothing is streamed here');
    },
    toJSON: async () => JSON.parse(reply.body),
  };
}

/** Returns the ids in a path that matches the pattern, or null if it does not match. */
function patternOf(pattern: string): (path: string) => Ids | null {
  const names = [...pattern.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  const fits = new RegExp(`^${pattern.replaceAll(/:\w+/g, '([^/]+)')}$`);
  return (path) => {
    const found = fits.exec(path);
    if (found === null) return null;
    return Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(found[i + 1] ?? '')]));
  };
}
