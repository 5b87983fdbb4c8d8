import type { Context } from 'hono';
import * as z from 'zod/mini';
import { isCardName } from './cards.ts';
import type { Double } from './double.ts';
import { faultSchema } from './faults.ts';
import { withOrigin } from './hosted.ts';
import type { App } from './http/app.ts';
import { Refusal } from './http/errors.ts';
import { withoutUndefined } from './params.ts';
import { updateCardAutomatically } from './resources/card-update.ts';
import { answerBank, enterCard } from './resources/checkout-sessions.ts';
import { escalateInquiry } from './resources/dispute-escalate.ts';
import { appealDispute, closeDispute, reinstateFunds, withdrawFunds } from './resources/dispute-life.ts';
import { openDispute } from './resources/dispute-open.ts';
import { FRAUD_TYPES, warnOfFraud } from './resources/early-fraud-warnings.ts';
import { payOnPage } from './resources/invoice-page-payment.ts';
import { authenticate } from './resources/payment-intents.ts';
import { createPaymentMethod } from './resources/payment-methods.ts';
import { failPayout, PAYOUT_FAILURES, payOutAvailable } from './resources/payout-life.ts';
import { actOnPortal, portalAction } from './resources/portal.ts';
import { answerRefund, FAILURE_REASONS } from './resources/refund-life.ts';
import { answerSetup } from './resources/setup-intents.ts';
import { newSecret } from './resources/webhook-endpoints.ts';
import { stateDump } from './state-dump.ts';
import { defaultSwitches, switchesSchema, switchTable } from './switches.ts';
import { withoutSecrets } from './without-secrets.ts';

const FINGERPRINT_BYTES = 8;
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
  finally: z.enum(['canceled', 'unpaid', 'past_due', 'paused']),
});
const verdictSchema = z.strictObject({ status: z.enum(['won', 'lost', 'warning_closed', 'prevented']) });
const disputeSchema = z.strictObject({
  reason: z._default(z.string(), 'fraudulent'),
  inquiry: z._default(z.boolean(), false),
  amount: z.optional(z.int().check(z.positive())),
});
const refundAnswerSchema = z.strictObject({
  status: z.enum(['succeeded', 'failed', 'canceled']),
  reason: z.optional(z.enum(FAILURE_REASONS)),
});
const refundModeSchema = z.strictObject({ mode: z.enum(['usual', 'pending']) });
/** The account's payout schedule pays out the available balance. */
const payoutSchema = z.strictObject({ currency: z._default(z.string(), 'usd') });
const payoutFailureSchema = z.strictObject({ code: z._default(z.enum(PAYOUT_FAILURES), 'account_closed') });
const fraudSchema = z.strictObject({ fraud_type: z._default(z.enum(FRAUD_TYPES), 'misc') });
const outcomeSchema = z.strictObject({ succeeds: z.boolean() });
const cardName = z.string().check(z.refine<string>(isCardName, { error: 'must be a test card, like visa' }));
const cardSchema = z.strictObject({ behavesLike: z._default(cardName, 'visa') });
const cardUpdateSchema = z.strictObject({
  kind: z._default(z.enum(['replaced', 'expired']), 'replaced'),
  behavesLike: z._default(
    z.string().check(z.refine<string>(isCardName, { error: 'must be a test card, like visa' })),
    'visa',
  ),
});
const enteredSchema = z.strictObject({
  card: z._default(z.string(), 'visa'),
  name: z.optional(z.string().check(z.minLength(1), z.maxLength(256))),
  email: z.optional(z.string().check(z.regex(/^[^\s@]+@[^\s@]+$/))),
});
/** The customer pays on the invoice page, with a card of that kind or the default card. */
const payingSchema = z.strictObject({ behavesLike: z.optional(cardName) });
const taxSchema = z.union([
  z.strictObject({
    percent: z.number().check(z.positive(), z.lte(100)),
    behavior: z._default(z.enum(['exclusive', 'inclusive']), 'exclusive'),
  }),
  z.strictObject({ off: z.literal(true) }),
]);
const NOTHING = z.strictObject({});

/** An action on the stand-in, by a test or a person, that Stripe does not offer. */
export interface Control {
  /** Under /_double. */
  readonly path: `/_double/${string}`;
  /** Whether the effect survives a restart. */
  readonly journaled: boolean;
  readonly prepare: (input: unknown) => { readonly problem: string } | { readonly run: Run };
}

type Run = (double: Double, id: string) => unknown;

export const CONTROLS: readonly Control[] = [
  journaled('/_double/clock', clockSchema, (input, double) => {
    const target = 'to' in input ? input.to : double.clock.nowSeconds + input.seconds;
    const happened = double.advanceTo(target);
    return { now: double.clock.nowSeconds, happened };
  }),
  journaled('/_double/faults', faultSchema, (fault, { faults }) => {
    faults.add(fault);
    return { waiting: faults.waiting };
  }),
  journaled('/_double/faults/clear', NOTHING, (_, { faults }) => {
    faults.clear();
    return { waiting: faults.waiting };
  }),
  journaled('/_double/webhooks', modeSchema, (mode, { deliveries }) => {
    deliveries.mode = { ...deliveries.mode, ...withoutUndefined(mode) };
    return { mode: deliveries.mode, held: deliveries.heldCount };
  }),
  passing('/_double/webhooks/release', NOTHING, (_, { deliveries }) => ({ released: deliveries.release() })),
  passing('/_double/webhooks/idle', NOTHING, async (_, { deliveries }) => {
    await deliveries.idle();
    return { held: deliveries.heldCount };
  }),
  passing('/_double/events/:id/redeliver', NOTHING, (_, { state, deliveries }, id) => ({
    endpoints: deliveries.redeliver(state.events.get(id, 'path')),
  })),
  journaled('/_double/webhook_endpoints/:id/roll_secret', NOTHING, (_, { state, random }, id) => {
    const present = state.webhookSecrets.get(state.webhookEndpoints.get(id, 'path').id) ?? [];
    const secret = newSecret(random);
    // The previous secret stays valid for a while, so both sign.
    state.webhookSecrets.set(id, [secret, ...present.slice(0, 1)]);
    return { secret };
  }),
  journaled('/_double/dunning', dunningSchema, (dunning, { state }) => {
    state.dunning = dunning;
    return dunning;
  }),
  journaled('/_double/invoices/:id/pay', payingSchema, ({ behavesLike }, double, id) =>
    payOnPage(double.scope(), double.state.invoices.get(id, 'path'), behavesLike),
  ),
  journaled('/_double/tax', taxSchema, (input, { state }) => {
    state.tax = 'off' in input ? null : input;
    return { tax: state.tax };
  }),
  journaled('/_double/switches', switchesSchema, (wanted, { state }) => {
    state.switches = { ...state.switches, ...withoutUndefined(wanted) };
    return state.switches;
  }),
  journaled('/_double/switches/reset', NOTHING, (_, { state }) => {
    state.switches = defaultSwitches();
    return state.switches;
  }),
  journaled('/_double/cards', cardSchema, ({ behavesLike }, double) => {
    // A test card has the same fingerprint for every customer; this card gets its own.
    const scope = double.scope();
    const method = createPaymentMethod(scope, isCardName(behavesLike) ? behavesLike : 'visa');
    if (method.card) method.card.fingerprint = scope.random(FINGERPRINT_BYTES).toString('hex');
    return { payment_method: method.id };
  }),
  journaled('/_double/payment_methods/:id/update_card', cardUpdateSchema, (input, double, id) => {
    const method = double.state.paymentMethods.get(id, 'path');
    const card = isCardName(input.behavesLike) ? input.behavesLike : 'visa';
    return updateCardAutomatically(double.scope(), method, input.kind, card);
  }),
  journaled('/_double/charges/:id/dispute', disputeSchema, (input, double, id) =>
    openDispute(double.scope(), double.state.charges.get(id, 'path'), input),
  ),
  journaled('/_double/disputes/:id/close', verdictSchema, ({ status }, double, id) =>
    closeDispute(double.scope(), double.state.disputes.get(id, 'path'), status),
  ),
  journaled('/_double/disputes/:id/escalate', NOTHING, (_, double, id) =>
    escalateInquiry(double.scope(), double.state.disputes.get(id, 'path')),
  ),
  journaled('/_double/disputes/:id/appeal', NOTHING, (_, double, id) =>
    appealDispute(double.scope(), double.state.disputes.get(id, 'path')),
  ),
  journaled('/_double/disputes/:id/withdraw_funds', NOTHING, (_, double, id) =>
    withdrawFunds(double.scope(), double.state.disputes.get(id, 'path')),
  ),
  journaled('/_double/disputes/:id/reinstate_funds', NOTHING, (_, double, id) =>
    reinstateFunds(double.scope(), double.state.disputes.get(id, 'path')),
  ),
  journaled('/_double/charges/:id/early_fraud_warning', fraudSchema, (input, double, id) =>
    warnOfFraud(double.scope(), double.state.charges.get(id, 'path'), input.fraud_type),
  ),
  journaled('/_double/payouts', payoutSchema, ({ currency }, double) =>
    payOutAvailable(double.scope(), currency),
  ),
  journaled('/_double/payouts/:id/fail', payoutFailureSchema, ({ code }, double, id) =>
    failPayout(double.scope(), double.state.payouts.get(id, 'path'), code),
  ),
  journaled('/_double/refunds/mode', refundModeSchema, ({ mode }, { state }) => {
    state.refundMode = mode;
    return { mode };
  }),
  journaled('/_double/refunds/:id/answer', refundAnswerSchema, ({ status, reason }, double, id) =>
    answerRefund(double.scope(), double.state.refunds.get(id, 'path'), status, reason),
  ),
  journaled('/_double/setup_intents/:id/authenticate', outcomeSchema, ({ succeeds }, double, id) =>
    answerSetup(double.scope(), double.state.setupIntents.get(id, 'path'), succeeds),
  ),
  journaled('/_double/checkout_sessions/:id/enter_card', enteredSchema, (entered, double, id) =>
    enterCard(double.scope(), double.state.checkoutSessions.get(id, 'path'), entered),
  ),
  journaled('/_double/checkout_sessions/:id/authenticate', outcomeSchema, ({ succeeds }, double, id) =>
    answerBank(double.scope(), double.state.checkoutSessions.get(id, 'path'), succeeds),
  ),
  journaled('/_double/portal_sessions/:id/act', portalAction, (action, double, id) =>
    actOnPortal(double.scope(), double.state.portalSessions.get(id, 'path'), action),
  ),
  journaled('/_double/payment_intents/:id/authenticate', outcomeSchema, ({ succeeds }, double, id) =>
    authenticate(double.scope(), double.state.paymentIntents.get(id, 'path'), succeeds),
  ),
];

/** The stand-in's state and its controls. JSON in, JSON out, no key. */
export function addControls(app: App, double: Double): void {
  app.get('/_double/state', (c) => sent(double, c, stateDump(double)));
  app.get('/_double/switches', (c) => c.json(switchTable(double.state.switches)));
  app.get('/_double/clock', (c) => c.json({ now: double.clock.nowSeconds, now_ms: double.clock.nowMs }));
  app.get('/_double/calls', (c) => c.json(double.calls.all));
  app.get('/_double/deliveries', (c) => c.json(double.deliveries.attempts));
  for (const control of CONTROLS) app.post(control.path, (c) => answered(double, control, c));
}

async function answered(double: Double, control: Control, c: Context): Promise<Response> {
  // A page of another origin cannot send this type without a preflight request.
  if (!c.req.header('content-type')?.startsWith('application/json')) {
    return c.json({ error: 'send application/json' }, 415);
  }
  const input = await jsonOf(c);
  const done = await perform(double, control, c.req.param('id') ?? '', input);
  return 'problem' in done ? c.json({ error: done.problem }, done.status) : sent(double, c, done.answer);
}

/** As JSON, with the stand-in's address in place of its placeholder. */
const sent = ({ deliveries }: Double, c: Context, value: unknown): Response =>
  c.body(withOrigin(JSON.stringify(value), deliveries.origin), 200, { 'content-type': 'application/json' });

export type Performed =
  | { readonly answer: object }
  | { readonly problem: string; readonly status: 400 | 404 };

/** Uses a control once, in its own turn if its effect must survive a restart. */
export async function perform(
  double: Double,
  { prepare, path, journaled }: Control,
  id: string,
  input: unknown,
): Promise<Performed> {
  const prepared = prepare(input);
  if ('problem' in prepared) return { problem: prepared.problem, status: 400 };
  const run = () => prepared.run(double, id);
  try {
    const answer = journaled ? double.turn({ kind: 'control', path, id, input }, run) : await run();
    return { answer: withoutSecrets(answer) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { problem: error.message, status: error.status === 404 ? 404 : 400 };
  }
}

type Effect<S extends z.ZodMiniType> = (input: z.output<S>, double: Double, id: string) => unknown;

function journaled<S extends z.ZodMiniType>(path: Control['path'], schema: S, effect: Effect<S>): Control {
  return { path, journaled: true, prepare: preparing(schema, effect) };
}

/** For an effect that a restart forgets, or an effect that waits. */
function passing<S extends z.ZodMiniType>(path: Control['path'], schema: S, effect: Effect<S>): Control {
  return { path, journaled: false, prepare: preparing(schema, effect) };
}

function preparing<S extends z.ZodMiniType>(schema: S, effect: Effect<S>): Control['prepare'] {
  return (input) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) return { problem: z.prettifyError(parsed.error) };
    return { run: (double, id) => effect(parsed.data, double, id) };
  };
}

async function jsonOf(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}
