import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { Handler } from '../../../lib/http/handler.ts';
import { WEBHOOK_PATH } from '../../../lib/settings/stripe-environment.ts';
import { gatewayEvent, invocation } from '../gateway.ts';
import { api } from '../http.ts';
import { functionsInProcess } from './functions.ts';

const HOST = '127.0.0.1';

/** The calls of the smoke test, and Stripe's webhook. */
const ROUTES: readonly (readonly [method: string, path: string, handler: Handler])[] = [
  ['GET', '/health', api.health],
  ['POST', '/api/v1/customers/onboard', api.onboardCustomer],
  ['POST', '/api/v1/payment-method', api.addPaymentMethod],
  ['POST', '/api/v1/fix-attempts', api.recordFixAttempt],
  ['POST', '/api/v1/fix-attempts/:id/billing', api.billFixAttempt],
  ['POST', '/api/v1/subscription', api.subscribe],
  ['DELETE', '/api/v1/subscription', api.cancelSubscription],
  ['GET', '/api/v1/pricing', api.getPricing],
  ['GET', '/api/v1/usage', api.getUsage],
  ['GET', '/api/v1/transactions', api.listTransactions],
  ['POST', WEBHOOK_PATH, api.stripeWebhook],
];

export interface ApiServer {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Serves the API, and Lambda's API for the functions, on a local port. The handlers run in this process.
 * @param onCall runs before each call. A response that it returns is the answer.
 */
export async function startApiServer(onCall: (call: string) => Promise<unknown>): Promise<ApiServer> {
  const app = new Hono();
  for (const [method, path, handler] of ROUTES) {
    app.on(method, path, async (c) => {
      const answer = await onCall(`${method} ${path}`);
      return answer instanceof Response ? answer : respond(c, handler);
    });
  }
  app.post('/2015-03-31/functions/:name/invocations', async (c) => {
    const invoked = await functionsInProcess.invoke(c.req.param('name'), await c.req.text());
    return invoked.kind === 'answered' ? c.body(invoked.payload) : c.body(invoked.kind, 500);
  });
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: HOST }, ({ port }) =>
      resolve({
        url: `http://${HOST}:${port}`,
        port,
        stop: () => new Promise((stopped) => server.close(() => stopped())),
      }),
    );
    server.once('error', reject);
  });
}

async function respond(c: Context, handler: Handler): Promise<Response> {
  const body = await c.req.text();
  const event = gatewayEvent({
    params: c.req.param(),
    query: c.req.query(),
    headers: c.req.header(),
    ...(body !== '' && { rawBody: body }),
  });
  const { statusCode, headers, body: text } = await handler(event, invocation());
  return new Response(text, {
    status: statusCode ?? 200,
    headers: Object.entries(headers ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
  });
}
