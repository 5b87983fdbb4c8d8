import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import { freePort } from '../../local/stack/ports.ts';
import { startStripeDouble } from '../../local/stripe-double/server.ts';
import { playDelivered } from '../stripe-openapi/delivered.ts';

const CHILD = 'checks/stripe-sync/child.mjs';
const WITHIN_MS = 5 * 60_000;
/** The start of the stand-in's error for an unknown path. */
const NOT_SERVED = 'Unrecognized request URL';

/** The kinds that the engine can copy, each after the kinds that it refers to. */
export const KINDS = [
  ...['product', 'price', 'plan', 'customer', 'subscription', 'subscription_schedules', 'invoice', 'charge'],
  ...['setup_intent', 'payment_method', 'payment_intent', 'tax_id', 'credit_note', 'dispute'],
  ...['early_fraud_warning', 'refund', 'checkout_sessions'],
] as const;

/** The engine's message for an event type that it does not use. */
const NOT_WANTED = 'Unhandled webhook event';

export interface Row {
  readonly kind: string;
  readonly verdict: 'fits' | 'none in the scenario' | 'not in the stand-in' | 'fails';
}

export interface Judged {
  readonly rows: readonly Row[];
  readonly handled: number;
  /** Event types that the engine ignores. */
  readonly unhandled: readonly string[];
  readonly complaints: readonly string[];
}

const Found = z.object({
  webhooks: z.object({ handled: z.int(), errors: z.record(z.string(), z.string()) }),
  backfill: z.record(z.string(), z.object({ synced: z.int(), error: z.nullable(z.string()) })),
});
const Typed = z.object({ type: z.string() });

export async function judged(): Promise<Judged> {
  const apiKey = `sk_test_${randomBytes(16).toString('hex')}`;
  const running = await startStripeDouble({ apiKey, deliveryBackoffMs: 5 });
  try {
    const { secret, deliveries } = await playDelivered(running, apiKey);
    const found = await askEngine({
      apiBase: running.url,
      apiKey,
      apiVersion: STRIPE_API_VERSION,
      webhookSecret: secret,
      postgresPort: await freePort(),
      deliveries: deliveries.map((one) => ({ ...one, ...Typed.parse(JSON.parse(one.body)) })),
      kinds: KINDS,
    });
    return verdict(found);
  } finally {
    await running.stop();
  }
}

/** @throws SetupError when the engine does not finish */
async function askEngine(input: unknown): Promise<z.infer<typeof Found>> {
  const child = spawn(process.execPath, [CHILD], { stdio: ['pipe', 'pipe', 'pipe'], timeout: WITHIN_MS });
  child.stdin.end(JSON.stringify(input));
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const last = output.trim().split('\n').at(-1) ?? '';
  if (last !== '') return Found.parse(JSON.parse(last));
  throw new SetupError(`${CHILD} failed.`, errors.trim().split('\n').slice(-8));
}

function verdict({ webhooks, backfill }: z.infer<typeof Found>): Judged {
  const unhandled = Object.entries(webhooks.errors).filter(([, error]) => error === NOT_WANTED);
  const complaints = Object.entries(webhooks.errors)
    .filter(([, error]) => error !== NOT_WANTED)
    .map(([type, error]) => `webhook ${type}: ${error}`);
  const rows = Object.entries(backfill).map(([kind, { synced, error }]): Row => {
    // The committed page lists such kinds, so a kind that disappears is noticed.
    if (error?.includes(NOT_SERVED)) return { kind, verdict: 'not in the stand-in' };
    if (error !== null) complaints.push(`${kind}: ${error}`);
    return { kind, verdict: error !== null ? 'fails' : synced > 0 ? 'fits' : 'none in the scenario' };
  });
  return {
    rows,
    handled: webhooks.handled,
    unhandled: unhandled.map(([type]) => type).toSorted(),
    complaints,
  };
}
