import { serve } from '@hono/node-server';
import { addControls } from './controls.ts';
import { Double, type DoubleOptions } from './double.ts';
import { stripeApp } from './http/app.ts';
import { JournalFile } from './journal/file.ts';
import { replay } from './journal/replay.ts';
import { addPages } from './pages/pages.ts';

const HOST = '127.0.0.1';
const CATCH_UP_EVERY_MS = 1_000;

export interface StripeDoubleOptions extends DoubleOptions {
  /** 0 or undefined for any free port. */
  readonly port?: number;
  /** The only accepted key. */
  readonly apiKey: string;
  /**
   * Stores everything in this file, and continues from it; for one stand-in at a time. Webhook secrets derive
   * from its content. The logs of calls and deliveries are not stored.
   */
  readonly journalFile?: string;
}

/** A running stand-in. `double` is its internals, for code in the same process. */
export interface StripeDouble {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly double: Double;
  /** Ends connections and deliveries in flight. */
  stop(): Promise<void>;
}

/**
 * Starts a stand-in for Stripe, on this machine only: API under /v1, controls under /_double, pages at /.
 * @throws if the key could be a live key, the port is in use, or the journal cannot be replayed.
 */
export async function startStripeDouble({
  port = 0,
  apiKey,
  journalFile,
  ...options
}: StripeDoubleOptions): Promise<StripeDouble> {
  if (!apiKey.startsWith('sk_test_')) throw new Error('The Stripe double accepts only a test key: sk_test_…');
  const double = new Double(options);
  const app = stripeApp(double, apiKey);
  addControls(app, double);
  addPages(app, double);
  const journal = journalFile === undefined ? null : resumed(double, journalFile);
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const starting = serve({ fetch: app.fetch, port, hostname: HOST }, () => resolve(starting));
    starting.once('error', reject);
  }).catch((error: unknown) => {
    journal?.close();
    throw error;
  });
  const ticking = setInterval(tick, CATCH_UP_EVERY_MS);
  ticking.unref();
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the double listens on no port');
  const bound = address.port;
  double.deliveries.origin = `http://${HOST}:${bound}`;
  // Events from before a restart may still be undelivered.
  double.deliveries.deliverUntaken();

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
      journal?.close();
    },
  };

  function tick(): void {
    try {
      double.catchUp();
    } catch (error) {
      // Logged once; every request reports the error again.
      clearInterval(ticking);
      console.error('The Stripe double failed:', error);
    }
  }
}

function resumed(double: Double, file: string): JournalFile {
  const { journal, lines } = JournalFile.open(file);
  try {
    replay(double, journal, lines);
  } catch (error) {
    journal.close();
    throw error;
  }
  double.keepIn(journal);
  return journal;
}
