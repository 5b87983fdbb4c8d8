import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import Stripe from 'stripe';
import { onTestFinished } from 'vitest';
import * as z from 'zod/mini';
import {
  type StripeDouble,
  type StripeDoubleOptions,
  startStripeDouble,
} from '../../local/stripe-double/server.ts';

export const API_KEY = 'sk_test_double';
const DAY_SECONDS = 24 * 60 * 60;

export interface Bench {
  readonly running: StripeDouble;
  readonly stripe: Stripe;
  /** Calls a control of the stand-in by its path under /_double. */
  control(path: string, input?: unknown): Promise<Record<string, unknown>>;
  /** Moves the stand-in's clock and waits for its deliveries. */
  days(count: number): Promise<void>;
  seconds(count: number): Promise<void>;
  eventTypes(): Promise<string[]>;
}

/** A separate stand-in for one test, with the real SDK. */
export async function bench(options: Partial<StripeDoubleOptions> = {}): Promise<Bench> {
  const running = await startStripeDouble({ apiKey: API_KEY, deliveryBackoffMs: 5, ...options });
  onTestFinished(() => running.stop());
  const stripe = sdk(running);
  const control = async (path: string, input: unknown = {}) => {
    const response = await post(`${running.url}/_double/${path}`, input);
    const body = z.record(z.string(), z.unknown()).parse(await response.json());
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`);
    return body;
  };
  const seconds = async (count: number) => {
    await control('clock', { seconds: count });
    await control('webhooks/idle');
  };
  return {
    running,
    stripe,
    control,
    seconds,
    days: (count) => seconds(count * DAY_SECONDS),
    // Oldest first.
    eventTypes: async () => (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type).reverse(),
  };
}

export const sdk = (
  { host, port }: Pick<StripeDouble, 'host' | 'port'>,
  key = API_KEY,
  timeout = 5_000,
): Stripe =>
  new Stripe(key, { host, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false, timeout });

export const post = (url: string, input: unknown): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });

/** A customer whose default payment method is `card`. */
export async function customerWith(stripe: Stripe, card = 'pm_card_visa') {
  const customer = await stripe.customers.create({ email: 'ada@customer.example' });
  const method = await stripe.paymentMethods.attach(card, { customer: customer.id });
  await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } });
  return { customer: customer.id, method: method.id };
}

/** The parameters of an off-session charge, as a merchant sends them. */
export const offSession = (
  who: { readonly customer: string; readonly method: string },
  amount = 2_900,
): Stripe.PaymentIntentCreateParams => ({
  amount,
  currency: 'usd',
  customer: who.customer,
  payment_method: who.method,
  off_session: true,
  confirm: true,
  allowed_payment_method_types: ['card'],
});

export const monthlyPrice = (stripe: Stripe, amount = 59_900): Promise<Stripe.Price> =>
  stripe.prices.create({
    currency: 'usd',
    unit_amount: amount,
    recurring: { interval: 'month' },
    product_data: { name: 'Pro' },
  });

export const subscribe = (
  stripe: Stripe,
  customer: string,
  price: string,
  more: Partial<Stripe.SubscriptionCreateParams> = {},
): Promise<Stripe.Response<Stripe.Subscription>> =>
  stripe.subscriptions.create({
    customer,
    items: [{ price }],
    off_session: true,
    payment_behavior: 'error_if_incomplete',
    ...more,
  });

/** Returns the error of a call. Fails the test if the call succeeds. */
export async function refused(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error('the call was not refused');
}

/** The `error` of a rejection that was not received through the SDK. */
export async function errorOf(response: Response): Promise<unknown> {
  return z.object({ error: z.unknown() }).parse(await response.json()).error;
}

/** A header of the answer behind an error. */
export const headerOf = (error: Stripe.errors.StripeError, name: string): string | undefined =>
  error.headers?.[name];

/** The latest invoice, requested with `expand`. */
export function expandedInvoice({ latest_invoice: invoice }: Stripe.Subscription): Stripe.Invoice {
  if (invoice === null || typeof invoice === 'string') throw new Error('the invoice was not expanded');
  return invoice;
}

export const latestInvoice = (subscription: Stripe.Subscription): string => {
  const invoice = subscription.latest_invoice;
  if (invoice === null) throw new Error('no invoice');
  return typeof invoice === 'string' ? invoice : invoice.id;
};

export interface Received {
  readonly body: string;
  readonly signature: string;
}

/** A webhook receiver that answers with these statuses in order, then with 200. */
export async function receiver(answers: readonly number[] = []) {
  const received: Received[] = [];
  const left = [...answers];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({
        body: Buffer.concat(chunks).toString(),
        signature: String(request.headers['stripe-signature']),
      });
      response.writeHead(left.shift() ?? 200, { location: '/elsewhere' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    received,
    types: () => received.map(({ body }) => String(JSON.parse(body).type)),
  };
}
