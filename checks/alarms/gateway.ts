import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import type { RunningStage } from './running-stage.ts';

/* The addresses at which the probe finds a running stage: its HTTP API, and Lambda's API for its functions. */

const HOST = '127.0.0.1';
const INVOCATIONS = '/2015-03-31/functions/:name/invocations';

export interface Gateway {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Calls run one after another, because all functions of a stage share one process and its environment.
 * @param functionPrefix what the names of functions begin with in Lambda
 */
export function startGateway(running: RunningStage, functionPrefix: string): Promise<Gateway> {
  const app = new Hono();
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(call: () => Promise<Result>): Promise<Result> => {
    const result = last.then(call);
    last = result.catch(() => {});
    return result;
  };
  for (const { method, path, functionName } of running.deployed.routes) {
    app.on(method, path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
      const rawBody = await c.req.text();
      const call = {
        params: c.req.param(),
        query: c.req.query(),
        headers: c.req.header(),
        ...(rawBody !== '' && { rawBody }),
      };
      const { status, text } = await inTurn(() => running.http(functionName, call));
      return new Response(text, { status, headers: { 'content-type': 'application/json' } });
    });
  }
  app.post(INVOCATIONS, async (c) => {
    const name = c.req.param('name').replace(functionPrefix, '');
    const input: unknown = await c.req.json();
    const result = await inTurn(() => running.invoke(name, input)).catch((error: unknown) => ({
      errorMessage: String(error),
    }));
    return result === undefined ? c.body('{}', 429) : c.body(JSON.stringify(result));
  });
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: HOST }, ({ port }) =>
      resolve({
        url: `http://${HOST}:${port}`,
        stop: () => new Promise((stopped) => server.close(() => stopped())),
      }),
    );
    server.once('error', reject);
  });
}
