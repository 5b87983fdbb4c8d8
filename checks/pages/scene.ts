import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Stripe from 'stripe';
import { isOptional } from '../../lib/domain/notice-kinds.ts';
import { NO_SOLD_PRICES } from '../../lib/domain/plans.ts';
import { layOut } from '../../lib/mail/layout.ts';
import { letterOf } from '../../lib/mail/letters.ts';
import { startMailbox } from '../../local/mailbox/server.ts';
import { startStripeDouble } from '../../local/stripe-double/server.ts';
import { gatewayEvent, invocation } from '../../test/support/gateway.ts';
import { LETTERS, SENDING } from '../../test/support/letters.ts';

/* The content of the pages: every kind of object, and a very long list of letters of every kind. */

const API_KEY = 'sk_test_pages';
const LONG_LIST = 10_000;
/** Contains markup, reverses the text direction, and is longer than any screen. */
const HOSTILE_NAME = `<script>document.title="gone"</script>\u202E${'long'.repeat(40)}`;

export interface Scene {
  readonly double: string;
  readonly mailbox: string;
  readonly docs: string;
  /** The ids of a payment that waits for the cardholder, and of a successful payment. */
  readonly waiting: string;
  readonly paid: string;
  /** Ids of the objects whose pages are checked. */
  readonly objects: readonly string[];
  /** The recipient of a letter about a blocked fix, deep in the list. */
  readonly blocked: string;
  /** One letter of every kind and wording, with the name of its screenshots. */
  readonly letters: readonly { readonly name: string; readonly id: string }[];
  stop(): Promise<void>;
}

export async function setScene(): Promise<Scene> {
  const double = await startStripeDouble({ apiKey: API_KEY, deliveryBackoffMs: 5 });
  const folder = mkdtempSync(join(tmpdir(), 'pages-'));
  const mailbox = await startMailbox({ file: join(folder, 'mailbox.jsonl'), keep: false });
  const docs = await serveDocs();
  const { host, port } = double;
  const stripe = new Stripe(API_KEY, { host, port, protocol: 'http', telemetry: false });
  const objects = await fill(stripe, docs.url);
  await double.double.deliveries.idle();
  for (let n = 0; n < LONG_LIST; n += 1) mailbox.mailbox.accept(letter(n));
  return {
    double: double.url,
    mailbox: mailbox.url,
    docs: docs.url,
    ...objects,
    blocked: recipientOf(blockedLetter()),
    letters: LETTERS.map(([{ kind }], n) => ({ name: `letter-${n}-${kind}`, id: `letter-${n}` })),
    stop: async () => {
      docs.stop();
      await Promise.all([double.stop(), mailbox.stop()]);
      rmSync(folder, { recursive: true });
    },
  };
}

/** `/docs` as the gateway serves it. Other paths return 404, like a broken webhook endpoint. */
async function serveDocs() {
  // Silences the service's log. The level is read when the service loads.
  process.env['LOG_LEVEL'] = 'SILENT';
  const { handler: getDocs } = await import('../../functions/get-docs.ts');
  const server = createServer((request, response) => {
    if (request.url !== '/docs') {
      response.writeHead(404).end();
      return;
    }
    const headers = { host: request.headers.host ?? '' };
    getDocs(gatewayEvent({ headers }), invocation()).then(
      ({ statusCode, headers: sent, body }) => {
        const fields = Object.entries(sent ?? {}).map(([name, value]) => [name, String(value)]);
        response.writeHead(statusCode ?? 500, Object.fromEntries(fields)).end(body);
      },
      () => response.writeHead(500).end(),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the API page listens on no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function fill(stripe: Stripe, hook: string) {
  const endpoint = await stripe.webhookEndpoints.create({
    url: `${hook}/hook`,
    enabled_events: ['charge.failed'],
  });
  const price = await stripe.prices.create({
    currency: 'usd',
    unit_amount: 59_900,
    recurring: { interval: 'month' },
    lookup_key: 'rsolv_pro_monthly',
    product_data: { name: 'RSOLV Pro' },
  });
  const customerWith = async (card: string, name: string) => {
    const { id } = await stripe.customers.create({
      name,
      email: `${card}@customer.example`,
      metadata: { customer_id: '847407cc08a9ff2cb28a1fa6d397985e' },
    });
    const method = await stripe.paymentMethods.attach(card, { customer: id });
    await stripe.customers.update(id, { invoice_settings: { default_payment_method: method.id } });
    return { customer: id, payment_method: method.id };
  };
  const charge = (who: { readonly customer: string; readonly payment_method: string }, number: number) =>
    stripe.paymentIntents.create({
      ...who,
      amount: 2_900,
      currency: 'usd',
      off_session: true,
      confirm: true,
      allowed_payment_method_types: ['card'],
      metadata: { purpose: 'fix', fix_attempt_id: `fix_01jdq8m3k${number}`, attempt: '1' },
    });
  const ada = await customerWith('pm_card_visa', 'Ada Lovelace');
  const subscription = await stripe.subscriptions.create({
    customer: ada.customer,
    items: [{ price: price.id }],
  });
  for (let n = 0; n < 60; n += 1) await charge(ada, n);
  const paid = await charge(ada, 60);
  const refund = await stripe.refunds.create({ payment_intent: (await charge(ada, 61)).id });
  await charge(await customerWith('pm_card_createDispute', 'Charles Babbage'), 62);
  const hostile = await customerWith('pm_card_visa', HOSTILE_NAME);
  await charge(await customerWith('pm_card_chargeCustomerFail', 'Grace Hopper'), 63).catch(expectCardError);
  await charge(await customerWith('pm_card_authenticationRequired', 'Mary Jackson'), 64).catch(
    expectCardError,
  );
  const intents = await stripe.paymentIntents.list({ limit: 1 });
  const waiting = intents.data[0]?.id ?? '';
  const [dispute] = (await stripe.disputes.list()).data;
  const [event] = (await stripe.events.list({ type: 'charge.failed' })).data;
  const objects = [
    ...[waiting, paid.id, ada.customer, hostile.customer, subscription.id, refund.id, endpoint.id, price.id],
    ...[dispute?.id ?? '', event?.id ?? ''],
  ];
  return { waiting, paid: paid.id, objects };
}

/** Expects a card that declines or asks for the cardholder. */
function expectCardError(error: unknown): void {
  if (!(error instanceof Stripe.errors.StripeCardError)) throw error;
}

/** A letter of the long list: every kind in turn. */
function letter(n: number) {
  const at = new Date(Date.UTC(2026, 10, 24, 0, 0, n)).toISOString();
  const [content] = LETTERS[n % LETTERS.length] ?? [];
  if (content === undefined) throw new Error('there is no letter');
  const frame = {
    name: n % 100 === 99 ? HOSTILE_NAME.slice(0, 60) : 'Acme',
    apiUrl: SENDING.apiUrl,
    isOptional: isOptional(content.kind),
    unsubscribeUrl: isOptional(content.kind) ? 'https://api.rsolv.dev/billing/unsubscribe?link=a' : null,
  };
  return {
    id: `letter-${n}`,
    at,
    from: 'billing@rsolv.dev',
    to: recipientOf(n),
    kind: content.kind,
    headers: {},
    ...layOut(letterOf({ content, createdAt: at }, NO_SOLD_PRICES, SENDING), frame),
  };
}

const recipientOf = (n: number): string => `customer-${n}@acme.example`;

/** Far from both ends of the list. */
function blockedLetter(): number {
  const first = LETTERS.findIndex(([{ kind }]) => kind === 'fix_blocked');
  return first + LETTERS.length * Math.floor(LONG_LIST / LETTERS.length / 8);
}
