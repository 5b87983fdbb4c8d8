import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod/mini';
import { sessionCookie } from '../../lib/http/pages/session-cookie.ts';
import { makeSignInLink, signIn } from '../../lib/operations/access/sign-in.ts';
import { writeHistory } from '../support/history.ts';
import { api, call, deployFix, fixBody, type SignedUp, signUp } from '../support/http.ts';
import {
  addCard,
  bill,
  cancel,
  customerOutOfCredits,
  eventsAbout,
  leaveCredits,
  recorded as recordedFor,
  serveMoney,
  subscribe,
} from '../support/http-money.ts';
import { headOf, type Money } from '../support/money.ts';
import { Visitor } from '../support/pages.ts';
import {
  type RecordingProxy,
  startRecordingProxy,
  transactionWriteUnits,
} from '../support/recording-proxy.ts';
import { visitorOf } from '../support/session.ts';
import { setHead } from '../support/set-head.ts';

/*
 * The calls of each operation to DynamoDB and Stripe, counted on the wire. They are what each operation
 * costs.
 */

let money: Money;
let proxy: RecordingProxy;
let customer: SignedUp;
beforeAll(async () => {
  const served = await serveMoney();
  money = served.money;
  proxy = await startRecordingProxy(inject('dynamodbEndpoint'));
  process.env['DYNAMODB_ENDPOINT'] = proxy.endpoint;
  process.env['STRIPE_WEBHOOK_SECRETS'] = WEBHOOK_SECRET;
  customer = await signUp();
  return async () => {
    proxy.close();
    await served.stop();
  };
});

const WEBHOOK_SECRET = 'whsec_budgets';

/** The DynamoDB and Stripe calls of `work`. */
async function counted(work: () => Promise<unknown>): Promise<{ dynamodb: string[]; stripe: string[] }> {
  const { calls } = money.double;
  const last = calls.all.at(-1);
  const dynamodb = await operations(work);
  const asked = calls.all.slice(last === undefined ? 0 : calls.all.indexOf(last) + 1);
  const stripe = asked.map(
    ({ method, path }) => `${method} ${path.replace(/\b(cus|pm|pi|sub|in|price)_\w+/g, ':id')}`,
  );
  // Two concurrent reads may arrive in either order.
  const atOnce = /^GET \/v1\/(payment_methods\/:id|subscriptions)$/;
  for (let i = 1; i < stripe.length; i++) {
    const pair = stripe.slice(i - 1, i + 1);
    if (pair.every((one) => atOnce.test(one))) stripe.splice(i - 1, 2, ...pair.toSorted());
  }
  return { dynamodb, stripe };
}

async function operations(work: () => Promise<unknown>): Promise<string[]> {
  return (await proxy.record(work)).map(({ operation }) => operation);
}

async function recorded(prNumber: number): Promise<{ id: string }> {
  const { body } = await call(api.recordFixAttempt, { apiKey: customer.apiKey, body: fixBody(prNumber) });
  return { id: String(body['id']) };
}

describe('DynamoDB calls', () => {
  it('billing a fix takes one read and one transaction of three items, 6 write units', async () => {
    const params = await recorded(1);
    const calls = await proxy.record(() => call(api.billFixAttempt, { apiKey: customer.apiKey, params }));
    expect(calls.map(({ operation }) => operation)).toEqual(['BatchGetItem', 'TransactWriteItems']);
    const [, written] = calls;
    if (written === undefined) throw new Error('nothing was written');
    expect(await transactionWriteUnits(money.deps.table, written)).toBe(6);
  });

  it('billing a fix again takes one read', async () => {
    const params = await recorded(1);
    expect(await operations(() => call(api.billFixAttempt, { apiKey: customer.apiKey, params }))).toEqual([
      'BatchGetItem',
    ]);
  });

  it('a blocked fix takes one read, and the first time one transaction for its notice', async () => {
    const poor = await signUp();
    for (const pr of [1, 2, 3, 4, 5]) await deployFix(poor.apiKey, pr);
    const { body } = await call(api.recordFixAttempt, { apiKey: poor.apiKey, body: fixBody(6) });
    const params = { id: String(body['id']) };
    const ask = () => call(api.billFixAttempt, { apiKey: poor.apiKey, params });
    expect(await operations(ask)).toEqual(['BatchGetItem', 'TransactWriteItems']);
    expect(await operations(ask)).toEqual(['BatchGetItem']);
  });

  it('recording takes a read and a write; recording again and finding take one read each', async () => {
    const { apiKey } = customer;
    const record = () => call(api.recordFixAttempt, { apiKey, body: fixBody(2) });
    expect(await operations(record)).toEqual(['BatchGetItem', 'TransactWriteItems']);
    expect(await operations(record)).toEqual(['BatchGetItem']);
    const query = { github_org: 'acme', repo_name: 'webshop', pr_number: '2' };
    expect(await operations(() => call(api.findFixAttempt, { apiKey, query }))).toEqual(['BatchGetItem']);
  });

  it('a page of the statement takes two calls wherever it lies', async () => {
    const { apiKey, customerId } = await signUp();
    await writeHistory(money.deps, customerId, 500);
    const first = await call(api.listTransactions, { apiKey, query: { limit: '100' } });
    const query = { limit: '100', cursor: String(first.body['next_cursor']) };
    expect(await operations(() => call(api.listTransactions, { apiKey, query }))).toEqual([
      'BatchGetItem',
      'Query',
    ]);
  });

  it('a sign-up takes one rate-limit write and one transaction', async () => {
    expect(await operations(signUp)).toEqual(['TransactWriteItems', 'TransactWriteItems']);
  });

  it('a request without a valid signature takes no DynamoDB call', async () => {
    expect(await operations(() => call(api.getUsage, { apiKey: 'nonsense' }))).toEqual([]);
  });

  it('the price list takes one read a minute, however often it is requested', async () => {
    expect(await operations(() => call(api.getPricing))).toEqual(['BatchGetItem']);
    expect(await operations(() => call(api.getPricing))).toEqual([]);
  });
});

describe('DynamoDB calls, after 2,000 entries as after 10', () => {
  let short: SignedUp;
  let long: SignedUp;
  beforeAll(async () => {
    [short, long] = [await signUp(), await signUp()];
    await writeHistory(money.deps, short.customerId, 9);
    await writeHistory(money.deps, long.customerId, 1_999);
  });

  it('GET /usage costs the same two calls after 2,000 entries as after 10', async () => {
    const usage = ({ apiKey }: SignedUp) => operations(() => call(api.getUsage, { apiKey }));
    expect(await usage(short)).toEqual(['BatchGetItem', 'Query']);
    expect(await usage(long)).toEqual(['BatchGetItem', 'Query']);
  });

  it('each page of the account takes the same few calls after 2,000 entries as after 10', async () => {
    for (const { customerId } of [short, long]) {
      const visitor = await visitorOf(money.deps, customerId);
      const open = (path: string) => operations(() => visitor.get(`/billing${path}`));
      expect(await open('')).toEqual(['BatchGetItem', 'Query', 'Query', 'Query']);
      expect(await open('/statement')).toEqual(['BatchGetItem', 'Query']);
      expect(await open('/statement.csv')).toEqual(['BatchGetItem', 'Query']);
      // One query for each list, until the document is full.
      expect((await open('/account.json')).length).toBeLessThanOrEqual(7);
    }
  });

  it('finding the beginning of a month takes one read more for each factor of 16', async () => {
    await setHead(money.deps.table, long.customerId, 'created_at', '2020-01-01T00:00:00.000Z');
    const visitor = await visitorOf(money.deps, long.customerId);
    const month = new Date().toISOString().slice(0, 7);
    const calls = await operations(() => visitor.get(`/billing/statement?month=${month}`));
    expect(calls).toEqual([...Array.from({ length: 1 + 3 }, () => 'BatchGetItem'), 'Query']);
  });
});

/** The customer, then concurrently the card and the subscriptions. The caller stores the answer. */
const HOW_THE_CARD_IS = ['GET /v1/customers/:id', 'GET /v1/payment_methods/:id'];
const HOW_THINGS_ARE = [...HOW_THE_CARD_IS, 'GET /v1/subscriptions'];

describe('calls to DynamoDB and Stripe', () => {
  it('a fix paid by a credit makes no call to Stripe', async () => {
    const params = await recorded(20);
    await leaveCredits(money, customer.customerId, 1);
    const work = () => bill(customer.apiKey, params);
    expect(await counted(work)).toEqual({ dynamodb: ['BatchGetItem', 'TransactWriteItems'], stripe: [] });
  });

  it('a charged fix takes the calls of announcing, charging and settling', async () => {
    const { apiKey } = await customerOutOfCredits(money);
    const { body } = await call(api.recordFixAttempt, { apiKey, body: fixBody(1) });
    const work = () => bill(apiKey, { id: String(body['id']) });
    expect(await counted(work)).toEqual({
      // The card's tries and its state at Stripe are read before the charge is announced on it.
      dynamodb: [
        'BatchGetItem',
        'BatchGetItem',
        'TransactWriteItems',
        'BatchGetItem',
        'BatchGetItem',
        'TransactWriteItems',
      ],
      stripe: [...HOW_THE_CARD_IS, 'POST /v1/payment_intents'],
    });
    expect(await counted(work)).toEqual({ dynamodb: ['BatchGetItem'], stripe: [] });
  });

  it('a blocked fix of a customer with a card also reads the tries of the card', async () => {
    const { apiKey } = await customerOutOfCredits(money, 'pm_card_createDispute');
    expect((await bill(apiKey, await recordedFor(apiKey, 1))).status).toBe(200);
    await money.deliver(money.events().filter(({ type }) => type.startsWith('charge.dispute')));
    const params = await recordedFor(apiKey, 2);
    const [first, again] = [
      await counted(() => bill(apiKey, params)),
      await counted(() => bill(apiKey, params)),
    ];
    expect(first).toEqual({ dynamodb: ['BatchGetItem', 'BatchGetItem', 'TransactWriteItems'], stripe: [] });
    expect(again).toEqual({ dynamodb: ['BatchGetItem', 'BatchGetItem'], stripe: [] });
  });

  it('a blocked fix of a customer whose card was removed also asks Stripe for a new card', async () => {
    const { apiKey, customerId } = await customerOutOfCredits(money);
    const { paymentMethodId } = await headOf(money.deps, customerId);
    await money.stripe.paymentMethods.detach(paymentMethodId ?? '');
    await money.deliver(money.events().filter(({ type }) => type === 'payment_method.detached'));
    const params = await recordedFor(apiKey, 1);
    const [first, again] = [
      await counted(() => bill(apiKey, params)),
      await counted(() => bill(apiKey, params)),
    ];
    const stripe = ['GET /v1/customers/:id'];
    expect(first).toEqual({ dynamodb: ['BatchGetItem', 'BatchGetItem', 'TransactWriteItems'], stripe });
    expect(again).toEqual({ dynamodb: ['BatchGetItem', 'BatchGetItem'], stripe });
  });

  it('a first card takes the calls for a Stripe customer, the card, the default and the bonus', async () => {
    const { apiKey } = await signUp();
    const card = await money.newCard();
    expect(await counted(() => addCard(apiKey, card))).toEqual({
      dynamodb: [
        'BatchGetItem',
        'TransactWriteItems',
        'BatchGetItem',
        'TransactWriteItems',
        'BatchGetItem',
        'TransactWriteItems',
        // The new card would pay an open renewal.
        'BatchGetItem',
      ],
      stripe: ['POST /v1/customers', 'POST /v1/payment_methods/:id/attach', 'POST /v1/customers/:id'],
    });
  });

  it('another card takes the same calls without the customer', async () => {
    const { apiKey } = await customerOutOfCredits(money);
    const card = await money.newCard();
    expect(await counted(() => addCard(apiKey, card))).toEqual({
      dynamodb: ['BatchGetItem', 'TransactWriteItems', 'BatchGetItem', 'TransactWriteItems', 'BatchGetItem'],
      stripe: ['POST /v1/payment_methods/:id/attach', 'POST /v1/customers/:id'],
    });
  });

  it('subscribing to Pro takes the calls of reading, ordering, subscribing and reading again', async () => {
    const { apiKey } = await customerOutOfCredits(money);
    expect(await counted(() => subscribe(apiKey))).toEqual({
      dynamodb: [
        'BatchGetItem',
        'TransactWriteItems',
        'BatchGetItem',
        'TransactWriteItems',
        'BatchGetItem',
        'BatchGetItem',
        'TransactWriteItems',
        'BatchGetItem',
        'BatchGetItem',
        'TransactWriteItems',
      ],
      stripe: [
        ...HOW_THINGS_ARE,
        'GET /v1/prices/:id',
        ...HOW_THE_CARD_IS,
        'POST /v1/subscriptions',
        ...HOW_THINGS_ARE,
      ],
    });
  });

  it("the plan's page takes one read, and its list of waiting payments one more", async () => {
    const { customerId } = await signUp();
    const { token } = await signIn(
      money.deps,
      (await makeSignInLink(money.deps, customerId)).token,
      '192.0.2.1',
    );
    const visitor = new Visitor();
    visitor.steal([sessionCookie(token, 60)]);
    for (const path of ['plan', 'plan/cancel']) {
      expect(await counted(() => visitor.get(`/billing/${path}`))).toEqual({
        dynamodb: ['BatchGetItem'],
        stripe: [],
      });
    }
    expect(await counted(() => visitor.get('/billing/approve'))).toEqual({
      dynamodb: ['BatchGetItem', 'Query'],
      stripe: [],
    });
  });

  it('the page of documents takes two reads, and one call to Stripe for each of its lists', async () => {
    const { apiKey, customerId } = await customerOutOfCredits(money);
    await bill(apiKey, await recordedFor(apiKey, 1));
    const { token } = await signIn(
      money.deps,
      (await makeSignInLink(money.deps, customerId)).token,
      '192.0.2.1',
    );
    const visitor = new Visitor();
    visitor.steal([sessionCookie(token, 60)]);
    const { dynamodb, stripe } = await counted(() => visitor.get('/billing/documents'));
    // The session with the account, and then the pull requests of the payments.
    expect(dynamodb).toEqual(['BatchGetItem', 'BatchGetItem']);
    expect(stripe.sort()).toEqual(['GET /v1/charges', 'GET /v1/credit_notes', 'GET /v1/invoices']);
  });

  it('cancelling Pro takes the calls of reading, cancelling and reading again', async () => {
    const { apiKey } = await customerOutOfCredits(money);
    await subscribe(apiKey);
    expect(await counted(() => cancel(apiKey))).toEqual({
      dynamodb: [
        'BatchGetItem',
        'TransactWriteItems',
        'BatchGetItem',
        'TransactWriteItems',
        'BatchGetItem',
        'TransactWriteItems',
      ],
      stripe: [...HOW_THINGS_ARE, 'POST /v1/subscriptions/:id', ...HOW_THINGS_ARE],
    });
  });
});

describe('a webhook', () => {
  /** Delivers the first event of a type about a customer, signed as Stripe signs it. */
  async function delivery(customerId: string, type: string) {
    const event = eventsAbout(money, customerId).find((one) => one.type === type);
    if (event === undefined) throw new Error(`no ${type}`);
    const rawBody = JSON.stringify(event);
    const signature = money.stripe.webhooks.generateTestHeaderString({
      payload: rawBody,
      secret: WEBHOOK_SECRET,
    });
    return () => call(api.stripeWebhook, { rawBody, headers: { 'stripe-signature': signature } });
  }

  it('the webhook of a paid Pro invoice takes the calls for the event, its owner, the invoice, the grant and the order', async () => {
    const { customerId } = await customerOutOfCredits(money);
    const [stripeCustomer] = money.double.state.customers.newestFirst;
    await money.stripe.subscriptions.create({
      customer: String(stripeCustomer?.id),
      items: [{ price: money.priceId }],
    });
    const deliver = await delivery(customerId, 'invoice.paid');
    expect(await counted(deliver)).toEqual({
      // The last read is of an order that may wait for this payment.
      dynamodb: ['BatchGetItem', 'BatchGetItem', 'BatchGetItem', 'TransactWriteItems', 'BatchGetItem'],
      // The invoice, all of its returned value, and the account, because the invoice pays for its Pro rate.
      stripe: [
        'GET /v1/invoices/:id',
        'GET /v1/invoices/:id',
        'GET /v1/invoice_payments',
        'GET /v1/credit_notes',
        'GET /v1/invoices',
        'GET /v1/refunds',
        'GET /v1/disputes',
        ...HOW_THINGS_ARE,
      ],
    });
    expect(await counted(deliver)).toEqual({ dynamodb: ['BatchGetItem'], stripe: [] });
  });

  it('the webhook of a type without effect looks up and records the event, and makes no call to Stripe', async () => {
    const { customerId } = await customerOutOfCredits(money);
    const deliver = await delivery(customerId, 'customer.created');
    expect(await counted(deliver)).toEqual({ dynamodb: ['BatchGetItem', 'TransactWriteItems'], stripe: [] });
  });

  it('a webhook without a valid signature makes no call at all', async () => {
    const work = () =>
      call(api.stripeWebhook, { rawBody: '{}', headers: { 'stripe-signature': 't=1,v1=0' } });
    expect(await counted(work)).toEqual({ dynamodb: [], stripe: [] });
  });
});

const Said = z.object({
  statusCode: z.number(),
  outcome: z.optional(z.string()),
  modules: z.int(),
  stripe: z.int(),
});

describe('loading Stripe', () => {
  /** Bills a fix in its own process. */
  async function billed(apiKey: string, { id }: { id: string }) {
    const child = spawn(process.execPath, ['test/support/loading-child.ts', apiKey, id], {
      env: { ...process.env, LOG_LEVEL: 'SILENT', METRICS_DISABLED: 'true' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    expect(code, output).toBe(0);
    return Said.parse(JSON.parse(output.trim().split('\n').at(-1) ?? ''));
  }

  it('Stripe is loaded at the first fix that needs it: billing from credits does not load it, a charge does', async () => {
    const { apiKey, customerId } = await customerOutOfCredits(money);
    await leaveCredits(money, customerId, 1);
    const fix = async (pr: number) => {
      const { body } = await call(api.recordFixAttempt, { apiKey, body: fixBody(pr) });
      return { id: String(body['id']) };
    };
    const byCredit = await billed(apiKey, await fix(1));
    expect(byCredit).toMatchObject({ statusCode: 200, outcome: 'credit_consumed', stripe: 0 });
    const byCard = await billed(apiKey, await fix(2));
    expect(byCard).toMatchObject({ statusCode: 200, outcome: 'charged_and_consumed' });
    expect(byCard.stripe).toBeGreaterThan(0);
  });
});
