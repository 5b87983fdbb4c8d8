/*
 * Stripe Sync Engine, which copies a Stripe account into Postgres, on a Postgres that runs inside this process. It reads
 * JSON from its standard input and writes one line of JSON: by table, how many rows arrived, and what went wrong.
 */
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import Stripe from 'stripe';

// Its build for ES modules looks for its migrations under `__dirname`, which modules do not have, and then makes no table.
const { runMigrations, StripeSync } = createRequire(import.meta.url)('@supabase/stripe-sync-engine');

const { apiBase, apiKey, apiVersion, webhookSecret, postgresPort, deliveries, kinds } = JSON.parse(
  await text(process.stdin),
);
const { hostname, port } = new URL(apiBase);
const database = await PGlite.create();
const server = new PGLiteSocketServer({
  db: database,
  host: '127.0.0.1',
  port: postgresPort,
  maxConnections: 8,
});
await server.start();
const databaseUrl = `postgres://postgres@127.0.0.1:${postgresPort}/postgres`;
await runMigrations({ databaseUrl, schema: 'stripe' });
const sync = new StripeSync({
  stripeSecretKey: apiKey,
  stripeWebhookSecret: webhookSecret,
  stripeApiVersion: apiVersion,
  poolConfig: { connectionString: databaseUrl, max: 1 },
});
// The engine has no setting for another host than Stripe's.
sync.stripe = new Stripe(apiKey, {
  apiVersion,
  host: hostname,
  port,
  protocol: 'http',
  maxNetworkRetries: 0,
  telemetry: false,
});

const webhooks = { handled: 0, errors: {} };
for (const { type, body, signature } of deliveries) {
  const error = await problem(sync.processWebhook(body, signature));
  if (error === null) webhooks.handled += 1;
  else webhooks.errors[type] = error;
}
const backfill = {};
for (const kind of kinds) {
  let synced = 0;
  const error = await problem(
    sync.syncBackfill({ object: kind }).then((done) => {
      synced = Object.values(done).reduce((sum, one) => sum + (one?.synced ?? 0), 0);
    }),
  );
  backfill[kind] = { synced, error };
}
console.log(JSON.stringify({ webhooks, backfill }));
process.exit(0);

/** Why the work failed; null when it did not. */
async function problem(work) {
  try {
    await work;
    return null;
  } catch (error) {
    return String(error?.message ?? error).slice(0, 300);
  }
}
