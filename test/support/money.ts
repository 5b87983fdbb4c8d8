import { randomBytes } from 'node:crypto';
import Stripe from 'stripe';
import { onTestFinished } from 'vitest';
import * as z from 'zod/mini';
import { verifyLedger } from '../../lib/domain/verify.ts';
import { addPaymentMethod } from '../../lib/operations/accounts/add-payment-method.ts';
import { type AppliedEvent, applyEvent } from '../../lib/operations/events/apply-event.ts';
import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import { auditCustomer } from '../../lib/operations/reconcile/audit-customer.ts';
import { withStripe } from '../../lib/runtime/connect-stripe.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { decodeHead } from '../../lib/store/heads.ts';
import { keys } from '../../lib/store/keys.ts';
import { readTogether, type Table } from '../../lib/store/table.ts';
import { parseEvent, type StripeEvent } from '../../lib/stripe/event.ts';
import { openStripe } from '../../lib/stripe/sdk.ts';
import { ensureProPrice } from '../../lib/stripe/setup/price.ts';
import {
  type StripeDouble,
  type StripeDoubleOptions,
  startStripeDouble,
} from '../../local/stripe-double/server.ts';
import { customerWith } from './fixtures.ts';
import { isInProcess, openTestTable, testDeps } from './table.ts';

const DAY_SECONDS = 24 * 60 * 60;

/** Stripe's SDK waits half a second before a retry. In process it retries at once. */
const WITHOUT_BACKOFF = {
  getInitialNetworkRetryDelay: () => 0,
  getMaxNetworkRetryDelay: () => 0,
} satisfies Partial<Stripe>;

/** The service's operations on a real table, and a separate Stripe stand-in behind the real SDK. */
export interface Money {
  readonly deps: PaymentDeps;
  readonly running: StripeDouble;
  readonly double: StripeDouble['double'];
  /** The SDK, for actions that a person takes in Stripe's dashboard. */
  readonly stripe: ReturnType<typeof openStripe>;
  readonly priceId: string;
  /** The environment of the service's functions. */
  readonly env: Record<string, string>;
  /** Calls a control of the stand-in by its path under /_double. */
  control(path: string, input?: unknown): Promise<Record<string, unknown>>;
  days(count: number): Promise<void>;
  /** A payment method as Stripe.js creates it, with a card that no other customer uses. */
  newCard(token?: string): Promise<string>;
  /** All events so far, oldest first, as Stripe would send them. */
  events(): StripeEvent[];
  /** Applies these events, or all events, in order. */
  deliver(events?: readonly StripeEvent[]): Promise<AppliedEvent[]>;
}

/** A separate stand-in. It stops with the test, or as `endWith` decides. */
export async function openMoney(
  table: Table,
  {
    overrides = {},
    endWith = onTestFinished,
    ...options
  }: Partial<StripeDoubleOptions> & {
    overrides?: Partial<PaymentDeps>;
    endWith?: (stop: () => Promise<void>) => void;
  } = {},
): Promise<Money> {
  if (isInProcess()) Object.assign(Stripe.prototype, WITHOUT_BACKOFF);
  const apiKey = `sk_test_${randomBytes(8).toString('hex')}`;
  const running = await startStripeDouble({ apiKey, deliveryBackoffMs: 5, ...options });
  endWith(() => running.stop());
  const stripe = openStripe({ secretKey: apiKey, apiBase: new URL(running.url) });
  const { id: priceId } = (await ensureProPrice(stripe)).price;
  const env = {
    STAGE: 'test',
    STRIPE_SECRET_KEY: apiKey,
    STRIPE_API_BASE: running.url,
    STRIPE_PRO_PRICE_ID: priceId,
  };
  const deps = { ...withStripe(testDeps(table), env), ...overrides };
  const control = async (path: string, input: unknown = {}) => {
    const response = await fetch(`${running.url}/_double/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
    });
    const body = z.record(z.string(), z.unknown()).parse(await response.json());
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`);
    return body;
  };
  const events = () =>
    running.double.state.events.newestFirst
      .toReversed()
      .map((event) => parseEvent(JSON.parse(JSON.stringify(event))))
      .filter((event) => event !== null);
  return {
    deps,
    running,
    double: running.double,
    stripe,
    priceId,
    env,
    control,
    days: async (count) => {
      await control('clock', { seconds: count * DAY_SECONDS });
    },
    newCard: async (token = 'tok_visa') => {
      const { id } = await stripe.paymentMethods.create({ type: 'card', card: { token } });
      const card = running.double.state.paymentMethods.find(id)?.card;
      if (card === undefined) throw new Error(`the double lost ${id}`);
      card.fingerprint = randomBytes(8).toString('hex');
      return id;
    },
    events,
    deliver: async (wanted = events()) => {
      const applied: AppliedEvent[] = [];
      for (const event of wanted) applied.push(await applyEvent(deps, event));
      return applied;
    },
  };
}

/** A table and a stand-in for a whole test file. Call `stop` at its end. */
export async function openMoneyForFile(): Promise<{
  table: Table;
  money: Money;
  stop: () => Promise<unknown>;
}> {
  const stops: (() => Promise<void>)[] = [];
  const table = await openTestTable();
  const money = await openMoney(table, { endWith: (stop) => stops.push(stop) });
  return { table, money, stop: () => Promise.all(stops.map((stop) => stop())) };
}

export async function headOf({ table }: PaymentDeps, customerId: string) {
  const [item] = await readTogether(table, [keys.head(customerId)]);
  if (item === undefined) throw new Error(`no customer ${customerId}`);
  return decodeHead(item);
}

/** A customer with a card on file and exactly `credits` credits, including the card's bonus. */
export async function customerWithCard(
  { deps }: Pick<Money, 'deps'>,
  credits: number,
  card = 'pm_card_visa',
) {
  const { head, apiKey } = await customerWith(deps, credits);
  // Most test cards already earned their bonus for the first customer of a file. These tests do not depend on
  // it.
  const { head: withCard, bonusCredits } = await addPaymentMethod(deps, head, card);
  if (bonusCredits > 0) {
    const back = { amount: -bonusCredits, reason: 'test', actor: 'tests', idempotencyKey: 'bonus' };
    await adjustCredits(deps, head.customerId, back);
  }
  return { customerId: head.customerId, apiKey, stripeCustomerId: withCard.stripeCustomerId ?? '' };
}

/** Reads the ledger and Stripe's side. Expects every invariant to hold, including those about money. */
export async function expectSoundMoney(money: Pick<Money, 'deps'>, customerId: string) {
  const { records, violations } = await auditedMoney(money, customerId);
  if (violations.length > 0) throw new Error(violations.join('\n'));
  return records;
}

/** A customer's stored records, with the findings of the verifier and the auditor. */
export async function auditedMoney({ deps }: Pick<Money, 'deps'>, customerId: string) {
  const records = await auditCustomer(deps, customerId);
  if (records === null) throw new Error(`no customer ${customerId}`);
  const violations = [
    ...verifyLedger(records),
    ...(records.audit?.money ?? []),
    ...(records.audit?.accountDrift ?? []),
  ];
  return { records, violations: violations.map(({ message }) => message) };
}
