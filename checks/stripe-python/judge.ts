import { randomBytes } from 'node:crypto';
import * as z from 'zod/mini';
import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import { startStripeDouble } from '../../local/stripe-double/server.ts';
import { playDelivered } from '../stripe-openapi/delivered.ts';
import { pythonPackages } from '../support/python-packages.ts';
import { runPython } from '../support/python-program.ts';
import { OUT_OF_SCOPE } from './out-of-scope.ts';

const FOLDER = 'checks/stripe-python';
const WITHIN_MS = 15 * 60_000;
const SHOWN = 3;
/** The start of the stand-in's error for an unknown path. */
const NOT_SERVED = 'Unrecognized request URL';

export interface Row {
  readonly model: string;
  readonly verdict: 'fits' | 'none in the scenario' | 'not in the stand-in' | 'out of scope' | 'fails';
}

export interface Judged {
  readonly rows: readonly Row[];
  readonly verified: number;
  readonly handled: number;
  /** The API version that Stripe's Python client is made for. */
  readonly clientVersion: string;
  readonly complaints: readonly string[];
}

const Synced = z.object({
  models: z.record(z.string(), z.object({ stored: z.int(), errors: z.array(z.string()) })),
  events: z.object({ handled: z.int(), errors: z.array(z.string()) }),
});
const Typed = z.looseObject({ type: z.string() });
const Verified = z.object({
  verified: z.int(),
  read: z.int(),
  problems: z.array(z.string()),
  version: z.string(),
});

export async function judged(): Promise<Judged> {
  // Clients check the form of an API key.
  const apiKey = `sk_test_${randomBytes(16).toString('hex')}`;
  const running = await startStripeDouble({ apiKey, deliveryBackoffMs: 5 });
  try {
    const { secret, deliveries } = await playDelivered(running, apiKey);
    const env = {
      STRIPE_API_HOST: running.url,
      STRIPE_API_VERSION,
      STRIPE_SECRET_KEY: apiKey,
    };
    const ask = (program: string, packages: string, input: unknown) =>
      runPython({
        file: `${FOLDER}/${program}.py`,
        packages: pythonPackages(packages, `${FOLDER}/requirements-${packages}.txt`),
        env,
        input: JSON.stringify(input),
        withinMs: WITHIN_MS,
      });
    const verified = Verified.parse(
      await ask('verify_webhooks', 'stripe', { secrets: [secret], deliveries }),
    );
    const leave = Object.entries(OUT_OF_SCOPE).flatMap(([model, { isTried }]) => (isTried ? [] : [model]));
    const events = firstOfEachType(deliveries);
    const synced = Synced.parse(await ask('sync_all', 'dj-stripe', { leave, events }));
    return verdict(synced, verified, deliveries.length);
  } finally {
    await running.stop();
  }
}

function firstOfEachType(deliveries: readonly { readonly body: string }[]): unknown[] {
  const byType = new Map<string, unknown>();
  for (const { body } of deliveries) {
    const event = Typed.parse(JSON.parse(body));
    if (!byType.has(event.type)) byType.set(event.type, event);
  }
  return [...byType.values()];
}

function verdict(
  { models, events }: z.infer<typeof Synced>,
  { verified, read, problems, version }: z.infer<typeof Verified>,
  delivered: number,
): Judged {
  const complaints = [
    ...problems.map((problem) => `webhook: ${problem}`),
    ...(read > 0 ? [] : ['No event could be read back.']),
    ...(verified === delivered && delivered > 0
      ? []
      : [`${verified} of ${delivered} deliveries are verified.`]),
    ...[...new Set(events.errors)].slice(0, SHOWN).map((error) => `event ${error}`),
  ];
  const rows = Object.entries(models).map(([model, { stored, errors }]): Row => {
    const scope = OUT_OF_SCOPE[model];
    const isRight = errors.length === 0;
    if (scope !== undefined && isRight) complaints.push(`${model} fits, and is listed as out of scope.`);
    if (scope !== undefined) return { model, verdict: 'out of scope' };
    // The committed page lists such kinds, so a kind that disappears is noticed.
    if (errors[0]?.includes(NOT_SERVED)) return { model, verdict: 'not in the stand-in' };
    if (!isRight) complaints.push(`${model}: ${errors.slice(0, SHOWN).join(' ')}`);
    return { model, verdict: !isRight ? 'fails' : stored > 0 ? 'fits' : 'none in the scenario' };
  });
  const untried = Object.keys(OUT_OF_SCOPE).filter((model) => models[model] === undefined);
  rows.push(...untried.map((model): Row => ({ model, verdict: 'out of scope' })));
  return { rows, verified, handled: events.handled, clientVersion: version, complaints };
}
