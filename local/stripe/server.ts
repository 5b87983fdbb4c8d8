import { serve } from '@hono/node-server';
import { addControls } from './controls.ts';
import { Double, type DoubleOptions } from './double.ts';
import { stripeApp } from './http/app.ts';
import { statePage } from './page.ts';

const HOST = '127.0.0.1';
const CATCH_UP_EVERY_MS = 1_000;

export interface StripeDoubleOptions extends DoubleOptions {
  /** 0, or nothing, for any free one. */
  readonly port?: number;
  /** The only key that is let in. */
  readonly apiKey: string;
}

/** A running double. `double` is its inside, for whoever runs in the same process. */
export interface StripeDouble {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly double: Double;
  /** Ends connections and deliveries that are under way. */
  stop(): Promise<void>;
}

/**
 * Starts a double of Stripe on this machine alone: its API under /v1, its controls under /_double, a page at /.
 * @throws when the key could be one for real money, or the port is taken.
 */
export async function startStripeDouble({
  port = 0,
  apiKey,
  ...options
}: StripeDoubleOptions): Promise<StripeDouble> {
  if (!apiKey.startsWith('sk_test_')) throw new Error('The Stripe double takes a test key only: sk_test_…');
  const double = new Double(options);
  const app = stripeApp(double, apiKey);
  addControls(app, double);
  app.get('/', (c) => {
    // The page has no script, and none gets into it.
    c.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'");
    return c.html(statePage(double));
  });

  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const starting = serve({ fetch: app.fetch, port, hostname: HOST }, () => resolve(starting));
    starting.once('error', reject);
  });
  const ticking = setInterval(() => double.catchUp(), CATCH_UP_EVERY_MS);
  ticking.unref();

  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the double listens on no port');
  const bound = address.port;
  return {
    url: `http://${HOST}:${bound}`,
    host: HOST,
    port: bound,
    double,
    stop: async () => {
      clearInterval(ticking);
      await double.deliveries.stop();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
    },
  };
}
