import { randomBytes } from 'node:crypto';
import * as z from 'zod/mini';
import { localDeps } from '../../cli/stage/local-deps.ts';
import { readSettings } from '../../cli/stage/local-settings.ts';
import { runningStack } from '../../cli/stage/running.ts';
import { replayEvent } from '../../lib/operations/events/replay-event.ts';
import { auditCustomer } from '../../lib/operations/reconcile/audit-customer.ts';
import { settlePendingCharges } from '../../lib/operations/work/sweep.ts';
import { freePort } from '../../local/stack/ports.ts';
import { startStack } from '../../local/stack/stack.ts';
import { type RecordedCall, recordedCalls } from './recorded-call.ts';

/*
 * Customer journeys through the whole service on its own stack, to record the service's calls to Stripe:
 * cards, charges, declines, authentication by cardholders, Pro and its end, disputes, webhooks.
 */

const MONTH_SECONDS = 32 * 24 * 60 * 60;
const SETTLES_WITHIN_MS = 10_000;

const Calls = z.array(
  z.object({
    requestId: z.string(),
    atMs: z.number(),
    method: z.string(),
    path: z.string(),
    parameters: z.unknown(),
    idempotencyKey: z.nullable(z.string()),
    status: z.nullable(z.number()),
    replayed: z.boolean(),
    fault: z.nullable(z.string()),
  }),
);
const State = z.object({
  paymentIntents: z.array(z.looseObject({ id: z.string(), status: z.string() })),
  charges: z.array(z.looseObject({ id: z.string(), status: z.string() })),
  events: z.array(z.looseObject({ id: z.string(), type: z.string() })),
  pending: z.unknown(),
});

type Body = Record<string, unknown>;

/** Every call that the service made to Stripe. */
export async function recordServiceCalls(): Promise<RecordedCall[]> {
  const port = await freePort();
  const stripePort = await freePort();
  const settings = readSettings({ PORT: String(port), STRIPE_PORT: String(stripePort), LOG_LEVEL: 'SILENT' });
  const stack = await startStack(settings);
  try {
    const { endpoint, stripe } = runningStack(port);
    const deps = localDeps(endpoint, stack.tableName, stripe);
    const double = `http://127.0.0.1:${stripePort}`;
    const world: World = { api: stack.url, double };
    const customers = [
      await paysForEverything(world),
      await isAskedByTheBank(world),
      await isDeclined(world),
    ];
    await settlePendingCharges(deps, 0);
    for (const { id } of customers) await auditCustomer(deps, id);
    const [event] = State.parse(await read(`${double}/_double/state`)).events;
    if (event !== undefined) await replayEvent(deps, event.id);
    deps.table.client.destroy();
    return recordedCalls(Calls.parse(await read(`${double}/_double/calls`)));
  } finally {
    await stack.stop();
  }
}

interface World {
  readonly api: string;
  readonly double: string;
}

interface Customer {
  readonly id: string;
  send(method: string, path: string, body?: Body): Promise<Body>;
  fix(): Promise<Body>;
}

async function signUp({ api }: World): Promise<Customer> {
  let fixes = 0;
  let key = '';
  const send = async (method: string, path: string, body?: Body): Promise<Body> => {
    const response = await fetch(api + path, {
      method,
      headers: { 'x-api-key': key, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return z.record(z.string(), z.unknown()).parse(await response.json());
  };
  const email = `${randomBytes(6).toString('hex')}@customer.example`;
  const { api_key, customer } = z
    .object({ api_key: z.string(), customer: z.object({ id: z.string() }) })
    .parse(await send('POST', '/api/v1/customers/onboard', { name: 'Ada', email }));
  key = api_key;
  return {
    id: customer.id,
    send,
    fix: async () => {
      fixes += 1;
      const recorded = await send('POST', '/api/v1/fix-attempts', {
        github_org: 'acme',
        repo_name: 'webshop',
        pr_number: fixes,
        pr_title: 'Fix',
        pr_url: `https://github.com/acme/webshop/pull/${fixes}`,
      });
      return send('POST', `/api/v1/fix-attempts/${String(recorded['id'])}/billing`);
    },
  };
}

/** A card, a charged fix, every event of Pro, a refund, a dispute, and another card. */
async function paysForEverything(world: World): Promise<Customer> {
  const ada = await signUp(world);
  await addCard(ada, 'pm_card_visa');
  await untilCharged(ada);
  await ada.send('POST', '/api/v1/subscription', { plan: 'pro' });
  await ada.send('DELETE', '/api/v1/subscription?at_period_end=true');
  await ada.send('POST', '/api/v1/subscription', { plan: 'pro' });
  await control(world, 'clock', { seconds: MONTH_SECONDS });
  await ada.send('DELETE', '/api/v1/subscription?at_period_end=false');
  const { charges } = State.parse(await read(`${world.double}/_double/state`));
  for (const { id } of charges.slice(0, 2)) await control(world, `charges/${id}/dispute`, {});
  await addCard(ada, 'pm_card_mastercard');
  await control(world, 'webhooks/idle', {});
  return ada;
}

/** The payment waits for the cardholder. Another card pays, and the first payment is cancelled. */
async function isAskedByTheBank(world: World): Promise<Customer> {
  const bea = await signUp(world);
  await addCard(bea, 'pm_card_authenticationRequired');
  await untilCharged(bea);
  await addCard(bea, 'pm_card_visa');
  await untilCharged(bea);
  return bea;
}

/** A declined fix and a declined subscription. */
async function isDeclined(world: World): Promise<Customer> {
  const cay = await signUp(world);
  await addCard(cay, 'pm_card_chargeCustomerFail');
  await untilCharged(cay);
  await cay.send('POST', '/api/v1/subscription', { plan: 'pro' });
  return cay;
}

const addCard = (customer: Customer, card: string): Promise<Body> =>
  customer.send('POST', '/api/v1/payment-method', { payment_method_id: card, billing_consent: true });

/** Bills fixes until no credit is left and the card has been tried once. */
async function untilCharged(customer: Customer): Promise<void> {
  const deadline = performance.now() + SETTLES_WITHIN_MS;
  while (performance.now() < deadline) {
    const { outcome } = await customer.fix();
    if (outcome !== 'credit_consumed') return;
  }
  throw new Error('the credits were not used up');
}

async function control({ double }: World, path: string, input: Body): Promise<void> {
  const response = await fetch(`${double}/_double/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

const read = async (url: string): Promise<unknown> => (await fetch(url)).json();
