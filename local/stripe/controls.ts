import type { Context } from 'hono';
import * as z from 'zod/mini';
import type { Double } from './double.ts';
import { faultSchema } from './faults.ts';
import { given } from './given.ts';
import type { App } from './http/app.ts';
import { Refusal } from './http/errors.ts';
import { openDispute } from './resources/dispute-open.ts';
import { closeDispute } from './resources/disputes.ts';
import { authenticate } from './resources/payment-intents.ts';
import { newSecret } from './resources/webhook-endpoints.ts';

const MAX_ADVANCE_SECONDS = 10 * 366 * 24 * 60 * 60;

const clockSchema = z.union([
  z.strictObject({ seconds: z.int().check(z.positive(), z.lte(MAX_ADVANCE_SECONDS)) }),
  z.strictObject({ to: z.int().check(z.positive()) }),
]);
const modeSchema = z.partial(
  z.strictObject({
    off: z.boolean(),
    duplicates: z.int().check(z.nonnegative(), z.lte(20)),
    delayMs: z.int().check(z.nonnegative(), z.lte(600_000)),
    shuffle: z.boolean(),
  }),
);
const dunningSchema = z.strictObject({
  retryAfterDays: z.array(z.int().check(z.positive())).check(z.maxLength(8)),
  finally: z.enum(['canceled', 'unpaid', 'past_due']),
});
const verdictSchema = z.strictObject({ status: z.enum(['won', 'lost', 'warning_closed']) });
const disputeSchema = z.strictObject({
  reason: z._default(z.string(), 'fraudulent'),
  inquiry: z._default(z.boolean(), false),
});
const outcomeSchema = z.strictObject({ succeeds: z.boolean() });
const NOTHING = z.strictObject({});

/** What a test, or a person, does to the double that nobody can do to Stripe. JSON in, JSON out, no key. */
export function addControls(app: App, double: Double): void {
  const { state, deliveries, faults } = double;

  app.get('/_double/state', (c) => c.json(dump(double)));
  app.get('/_double/calls', (c) => c.json(double.calls.all));
  app.get('/_double/deliveries', (c) => c.json(deliveries.attempts));

  control(app, '/_double/clock', clockSchema, (input) => {
    const target = 'to' in input ? input.to : double.clock.nowSeconds + input.seconds;
    const happened = double.advanceTo(target);
    return { now: double.clock.nowSeconds, happened };
  });
  control(app, '/_double/faults', faultSchema, (fault) => {
    faults.add(fault);
    return { waiting: faults.waiting };
  });
  control(app, '/_double/faults/clear', NOTHING, () => {
    faults.clear();
    return { waiting: faults.waiting };
  });
  control(app, '/_double/webhooks', modeSchema, (mode) => {
    deliveries.mode = { ...deliveries.mode, ...given(mode) };
    return { mode: deliveries.mode, held: deliveries.heldCount };
  });
  control(app, '/_double/webhooks/release', NOTHING, () => ({ released: deliveries.release() }));
  control(app, '/_double/webhooks/idle', NOTHING, async () => {
    await deliveries.idle();
    return { held: deliveries.heldCount };
  });
  control(app, '/_double/events/:id/redeliver', NOTHING, (_, id) => ({
    endpoints: deliveries.redeliver(state.events.get(id, 'path')),
  }));
  control(app, '/_double/webhook_endpoints/:id/roll_secret', NOTHING, (_, id) => {
    const present = state.webhookSecrets.get(state.webhookEndpoints.get(id, 'path').id) ?? [];
    const secret = newSecret();
    // Two sign for a while: the one before stays valid.
    state.webhookSecrets.set(id, [secret, ...present.slice(0, 1)]);
    return { secret };
  });
  control(app, '/_double/dunning', dunningSchema, (dunning) => {
    state.dunning = dunning;
    return dunning;
  });
  control(app, '/_double/charges/:id/dispute', disputeSchema, (input, id) =>
    openDispute(double.scope(), state.charges.get(id, 'path'), input),
  );
  control(app, '/_double/disputes/:id/close', verdictSchema, ({ status }, id) =>
    closeDispute(double.scope(), state.disputes.get(id, 'path'), status),
  );
  control(app, '/_double/payment_intents/:id/authenticate', outcomeSchema, ({ succeeds }, id) =>
    authenticate(double.scope(), state.paymentIntents.get(id, 'path'), succeeds),
  );
}

function control<S extends z.ZodMiniType>(
  app: App,
  path: string,
  schema: S,
  answer: (input: z.output<S>, id: string) => unknown,
): void {
  app.post(path, async (c) => {
    // A page of another origin cannot send this type without asking first.
    if (!c.req.header('content-type')?.startsWith('application/json')) {
      return c.json({ error: 'send application/json' }, 415);
    }
    const parsed = schema.safeParse(await jsonOf(c));
    if (!parsed.success) return c.json({ error: z.prettifyError(parsed.error) }, 400);
    try {
      return c.json(withoutSecrets(await answer(parsed.data, c.req.param('id') ?? '')));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return c.json({ error: error.message }, error.status === 404 ? 404 : 400);
    }
  });
}

async function jsonOf(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function dump({ state, clock, schedule, faults, deliveries }: Double): unknown {
  return withoutSecrets({
    now: clock.nowSeconds,
    customers: state.customers.newestFirst,
    deletedCustomers: [...state.deletedCustomers.keys()],
    paymentMethods: state.paymentMethods.newestFirst,
    paymentIntents: state.paymentIntents.newestFirst,
    charges: state.charges.newestFirst,
    refunds: state.refunds.newestFirst,
    disputes: state.disputes.newestFirst,
    products: state.products.newestFirst,
    prices: state.prices.newestFirst,
    subscriptions: state.subscriptions.newestFirst,
    invoices: state.invoices.newestFirst,
    invoicePayments: state.invoicePayments.newestFirst,
    events: state.events.newestFirst,
    webhookEndpoints: state.webhookEndpoints.newestFirst,
    dunning: state.dunning,
    pending: schedule.pending,
    faults: faults.waiting,
    webhooks: { ...deliveries.mode, held: deliveries.heldCount },
  });
}

/** What would let a reader of the dump pay in somebody's place. */
const withoutSecrets = (value: unknown): object =>
  JSON.parse(JSON.stringify(value, (name, inner) => (name === 'client_secret' ? '***' : inner)) ?? '{}');
