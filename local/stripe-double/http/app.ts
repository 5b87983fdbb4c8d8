import { timingSafeEqual } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Double } from '../double.ts';
import { withOrigin } from '../hosted.ts';
import { ROUTES } from '../routes.ts';
import { isApiVersion, STRIPE_API_VERSION } from '../version.ts';
import { invalid, Refusal, unauthorized, unrecognizedUrl } from './errors.ts';
import { type Asked, answerOf, exchange, type Reply } from './exchange.ts';
import { localOnly } from './local-only.ts';
import type { Route } from './route.ts';

const MAX_BODY_BYTES = 1_048_576;

type Env = { Bindings: HttpBindings };

export type App = Hono<Env>;

/** Stripe's API over HTTP. */
export function stripeApp(double: Double, apiKey: string): App {
  const app = new Hono<Env>();
  app.use(localOnly);
  const tooLarge = (c: Context<Env>) =>
    refused(double, c, invalid(`A body has at most ${MAX_BODY_BYTES} bytes.`));
  app.use('/v1/*', bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }));
  for (const route of ROUTES) app.on(route.method, route.path, (c) => serve(double, route, apiKey, c));
  app.notFound((c) => {
    const problem = keyProblem(c, apiKey) ?? unrecognizedUrl(c.req.method, c.req.path);
    return refused(double, c, problem);
  });
  app.onError((error, c) => {
    if (error instanceof Refusal) return refused(double, c, error);
    console.error('The Stripe double failed:', error);
    return refused(
      double,
      c,
      new Refusal(500, { type: 'api_error', message: `The double failed: ${error.message}` }),
    );
  });
  return app;
}

async function serve(double: Double, route: Route, apiKey: string, c: Context<Env>): Promise<Response> {
  const problem = keyProblem(c, apiKey) ?? versionProblem(c);
  if (problem !== null) return refused(double, c, problem);
  const asked: Asked = {
    requestId: double.newId('req'),
    path: c.req.path,
    query: new URL(c.req.url).search.slice(1),
    body: await c.req.text(),
    ids: c.req.param(),
    idempotencyKey: c.req.header('idempotency-key') ?? null,
    version: c.req.header('stripe-version') ?? null,
  };
  const reply = await replied(double, route, asked);
  double.calls.add({
    requestId: asked.requestId,
    atMs: double.realMs(),
    method: route.method,
    path: asked.path,
    parameters: parametersOf(asked),
    idempotencyKey: asked.idempotencyKey,
    status: 'dropped' in reply ? null : reply.status,
    replayed: 'dropped' in reply ? false : reply.replayed,
    fault: reply.fault,
  });
  if ('dropped' in reply) {
    c.env.incoming.socket.destroy();
    return RESPONSE_ALREADY_SENT;
  }
  const body = withOrigin(reply.body, new URL(c.req.url).origin);
  return respond(asked.requestId, { ...reply, body }, asked.idempotencyKey);
}

/** A request whose idempotency key or form is invalid is rejected and logged like any other. */
async function replied(double: Double, route: Route, asked: Asked): Promise<Reply> {
  try {
    return await exchange(double, route, asked);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...answerOf(error), headers: error.headers, replayed: false, fault: null };
  }
}

const parametersOf = ({ query, body }: Asked): Record<string, string> =>
  Object.fromEntries(new URLSearchParams([query, body].filter((part) => part !== '').join('&')));

function refused(double: Double, c: Context<Env>, problem: Refusal): Response {
  const requestId = double.newId('req');
  double.calls.add({
    requestId,
    atMs: double.realMs(),
    method: c.req.method,
    path: c.req.path,
    parameters: {},
    idempotencyKey: null,
    status: problem.status,
    replayed: false,
    fault: null,
  });
  return respond(requestId, { ...answerOf(problem), headers: problem.headers }, null);
}

function respond(
  requestId: string,
  { status, body, headers }: { status: number; body: string; headers: Readonly<Record<string, string>> },
  idempotencyKey: string | null,
): Response {
  return new Response(body, {
    status,
    headers: {
      'content-type': 'application/json',
      'request-id': requestId,
      'stripe-version': STRIPE_API_VERSION,
      ...(idempotencyKey !== null && { 'idempotency-key': idempotencyKey }),
      ...headers,
    },
  });
}

function versionProblem(c: Context<Env>): Refusal | null {
  const version = c.req.header('stripe-version');
  if (version === undefined || isApiVersion(version)) return null;
  return invalid(`Invalid Stripe API version: ${version}`);
}

/** As a bearer token, or as the user of basic authentication (`curl -u`). */
function keyProblem(c: Context<Env>, apiKey: string): Refusal | null {
  const header = c.req.header('authorization') ?? '';
  const [scheme = '', value = ''] = header.split(' ', 2);
  const sent =
    scheme.toLowerCase() === 'basic' ? Buffer.from(value, 'base64').toString().replace(/:.*$/, '') : value;
  if (sent === '') return unauthorized(undefined);
  const [a, b] = [Buffer.from(sent), Buffer.from(apiKey)];
  return a.length === b.length && timingSafeEqual(a, b) ? null : unauthorized(sent);
}
