import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import type { Table } from '../../lib/store/table.ts';
import { stripePort } from '../../lib/stripe/client.ts';
import { parseEvent, type StripeEvent } from '../../lib/stripe/event.ts';
import { openStripe } from '../../lib/stripe/sdk.ts';
import { ensureProPrice } from '../../lib/stripe/setup/price.ts';
import { Double } from '../../local/stripe-double/double.ts';
import { stripeInProcess } from './stripe-in-process.ts';
import { testDeps } from './table.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const SECRET_KEY = 'sk_test_in_process';

/** The service's operations on a table and a Stripe stand-in in one process. Only `days` moves the clock. */
export interface MoneyInProcess {
  readonly deps: PaymentDeps;
  readonly double: Double;
  /** The SDK, for actions that a person takes in Stripe's dashboard. */
  readonly stripe: ReturnType<typeof openStripe>;
  readonly priceId: string;
  days(count: number): void;
  /** The events since the last call, oldest first. */
  newEvents(): StripeEvent[];
}

export async function openMoneyInProcess(table: Table, startMs: number): Promise<MoneyInProcess> {
  let nowMs = startMs;
  const double = new Double({ realMs: () => nowMs, random: () => 0.5 });
  const line = stripeInProcess(double);
  const stripe = openStripe({ secretKey: SECRET_KEY, apiBase: null }, line);
  const { id: priceId } = (await ensureProPrice(stripe)).price;
  const port = stripePort({ secretKey: SECRET_KEY, proPriceId: priceId, apiBase: null }, line);
  let seen = 0;
  return {
    deps: testDeps(table, { now: () => new Date(nowMs), sleep: async () => {}, stripe: async () => port }),
    double,
    stripe,
    priceId,
    days: (count) => {
      nowMs += count * DAY_MS;
      double.catchUp();
    },
    newEvents: () => {
      const { events } = double.state;
      const fresh = events.newestFirst.slice(0, events.size - seen).toReversed();
      seen = events.size;
      return fresh
        .map((event) => parseEvent(JSON.parse(JSON.stringify(event))))
        .filter((event) => event !== null);
    },
  };
}
