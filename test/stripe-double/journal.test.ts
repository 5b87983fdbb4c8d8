import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type Stripe from 'stripe';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { JournalError } from '../../local/stripe-double/journal/error.ts';
import type { StripeDoubleOptions } from '../../local/stripe-double/server.ts';
import {
  API_KEY,
  type Bench,
  bench,
  customerWith,
  headerOf,
  monthlyPrice,
  offSession,
  type Received,
  receiver,
  refused,
  sdk,
  subscribe,
} from './support.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CHILD = new URL('journal-child.ts', import.meta.url).pathname;
const SHIFTED_DATE = new URL('../support/shifted-date.ts', import.meta.url).href;

function journalPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'stripe-journal-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'stripe.jsonl');
}

/** Successive stand-ins on one journal. The test controls real time. */
function lasting() {
  const journalFile = journalPath();
  const real = { ms: Date.UTC(2027, 0, 15, 12) };
  const start = (options: Partial<StripeDoubleOptions> = {}) =>
    bench({ realMs: () => real.ms, ...options, journalFile });
  const restart = async ({ running }: Bench, options: Partial<StripeDoubleOptions> = {}) => {
    await running.stop();
    return start(options);
  };
  return { journalFile, real, start, restart };
}

/** Without the stand-in's address, because its port changes after a restart. */
const stateOf = async ({ running }: Bench): Promise<unknown> => {
  const text = await (await fetch(`${running.url}/_double/state`)).text();
  return JSON.parse(text.replaceAll(running.url, ''));
};

const isReplay = (answer: { lastResponse: { headers: Record<string, string> } }): boolean =>
  answer.lastResponse.headers['idempotent-replayed'] === 'true';

/** Accepts any age, because the test controls the signature's time. */
const verified = (stripe: Stripe, received: Received | undefined, secret: string): Stripe.Event =>
  stripe.webhooks.constructEvent(received?.body ?? '', received?.signature ?? '', secret, 0);

const endpointAt = (stripe: Stripe, url: string) =>
  stripe.webhookEndpoints.create({ url, enabled_events: ['*'] });

/** Something of everything that can happen to an account. */
async function journey({ stripe, control, days }: Bench): Promise<void> {
  const hook = await receiver();
  const endpoint = await endpointAt(stripe, hook.url);
  const who = await customerWith(stripe);
  const price = await monthlyPrice(stripe);
  const { id } = await subscribe(stripe, who.customer, price.id);
  const paid = await stripe.paymentIntents.create(offSession(who));
  await stripe.refunds.create({ payment_intent: paid.id, amount: 900 });
  const disputed = await stripe.paymentIntents.create(offSession(who, 5_000));
  const dispute = await control(`charges/${disputed.latest_charge}/dispute`);
  const unauthenticated = await customerWith(stripe, 'pm_card_authenticationRequired');
  const declined = await refused(stripe.paymentIntents.create(offSession(unauthenticated)));
  await control(`payment_intents/${declined.payment_intent?.id}/authenticate`, { succeeds: true });
  await control('dunning', { retryAfterDays: [1], finally: 'unpaid' });
  await days(32);
  await control(`disputes/${dispute['id']}/close`, { status: 'won' });
  await control(`webhook_endpoints/${endpoint.id}/roll_secret`);
  await control('faults', { path: '/v1/prices', kind: '409' });
  await control('faults/clear');
  await control('faults', { path: '/v1/products', kind: '500_before', times: 3, skip: 1 });
  await stripe.products.list();
  await refused(stripe.products.list());
  await stripe.subscriptions.update(id, { cancel_at_period_end: true });
  await stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['invoice.paid'] });
  await stripe.customers.del(unauthenticated.customer);
  await control('webhooks/idle');
  await control('webhooks', { off: true });
  await stripe.customers.update(who.customer, { name: 'Ada' });
}

describe('a double with a journal', () => {
  it('a restart from the journal restores everything including the last id, also a second time', async () => {
    const { start, restart } = lasting();
    const first = await start();
    await journey(first);
    const before = await stateOf(first);
    expect(before).toMatchObject({
      invoices: [{ billing_reason: 'subscription_cycle', status: 'paid' }, {}],
      disputes: [{ status: 'won' }],
      faults: [{ skip: 0, times: 2 }],
      webhooks: { off: true, held: 1 },
    });
    const second = await restart(first);
    expect(await stateOf(second)).toEqual(before);
    await second.stripe.customers.create();
    const later = await stateOf(second);
    expect(await stateOf(await restart(second))).toEqual(later);
  });

  it('a double never reuses an id after a restart', async () => {
    const { start, restart } = lasting();
    const first = await start();
    const ids = [(await first.stripe.customers.create()).id];
    const second = await restart(first);
    for (let i = 0; i < 3; i += 1) ids.push((await second.stripe.customers.create()).id);
    expect(new Set(ids.map((id) => id.slice(0, 'cus_000000'.length))).size).toBe(4);
    expect(ids).toEqual(ids.toSorted());
  });

  it('a renewal that happened without a request is restored with its time', async () => {
    const { real, start, restart } = lasting();
    const first = await start();
    const { customer } = await customerWith(first.stripe);
    await subscribe(first.stripe, customer, (await monthlyPrice(first.stripe)).id);
    real.ms += 32 * DAY_MS;
    // A read is enough to make a due renewal happen.
    expect((await first.stripe.invoices.list()).data).toHaveLength(2);
    await first.stripe.customers.update(customer, { name: 'Ada' });
    const before = await stateOf(first);
    expect(await stateOf(await restart(first))).toEqual(before);
  });

  it('a restarted double renews subscriptions on time, including renewals due while it was down', async () => {
    const { real, start, restart } = lasting();
    const first = await start();
    const { customer } = await customerWith(first.stripe);
    const { id, items } = await subscribe(first.stripe, customer, (await monthlyPrice(first.stripe)).id);
    const [item] = items.data;
    await first.running.stop();
    real.ms += 40 * DAY_MS;
    const second = await start();
    const [renewal] = (await second.stripe.invoices.list({ subscription: id })).data;
    expect(renewal).toMatchObject({ created: item?.current_period_end, status: 'paid' });
    const third = await restart(second);
    await third.days(28);
    expect((await third.stripe.invoices.list({ subscription: id })).data).toHaveLength(3);
  });
});

describe('the clock of a double with a journal', () => {
  it('the clock continues after a restart from where it was moved to', async () => {
    const { real, start, restart } = lasting();
    const first = await start();
    await first.days(90);
    const { created } = await first.stripe.customers.create();
    await first.running.stop();
    real.ms += HOUR_MS;
    const second = await restart(first);
    expect((await second.stripe.customers.create()).created).toBe(created + 3_600);
  });

  it('after real time is set back, the clock of a restarted double neither goes back nor stops', async () => {
    const { real, start, restart } = lasting();
    const first = await start();
    await first.days(1);
    const { created } = await first.stripe.customers.create();
    real.ms -= HOUR_MS;
    const second = await restart(first);
    expect((await second.stripe.customers.create()).created).toBe(created);
    real.ms += 60_000;
    expect((await second.stripe.customers.create()).created).toBe(created + 60);
  });
});

describe('an idempotency key from before the restart', () => {
  it('an idempotency key from before the restart replays the same answer, and the money moves once', async () => {
    const { start, restart } = lasting();
    const first = await start();
    const who = await customerWith(first.stripe);
    const made = await first.stripe.paymentIntents.create(offSession(who), { idempotencyKey: 'k' });
    const { stripe } = await restart(first);
    const again = await stripe.paymentIntents.create(offSession(who), { idempotencyKey: 'k' });
    expect(again).toEqual(made);
    expect(isReplay(again)).toBe(true);
    expect((await stripe.charges.list()).data).toHaveLength(1);
    const other = stripe.paymentIntents.create(offSession(who, 5_000), { idempotencyKey: 'k' });
    expect(await refused(other)).toMatchObject({ statusCode: 400, rawType: 'idempotency_error' });
  });

  it('an idempotency key from before the restart replays a decline with all its details', async () => {
    const { start, restart } = lasting();
    const first = await start();
    const who = await customerWith(first.stripe, 'pm_card_chargeCustomerFail');
    const call = ({ stripe }: Bench) =>
      refused(stripe.paymentIntents.create(offSession(who), { idempotencyKey: 'k' }));
    const declined = await call(first);
    const again = await call(await restart(first));
    expect(again.statusCode).toBe(402);
    expect(again.charge).toBe(declined.charge);
    expect(again.payment_intent).toEqual(declined.payment_intent);
    expect(headerOf(again, 'idempotent-replayed')).toBe('true');
  });

  it('an idempotency key from before the restart replays the stored error or answer', async () => {
    const { start, restart } = lasting();
    const first = await start();
    const who = await customerWith(first.stripe);
    const pay = ({ stripe }: Bench, key: string) =>
      stripe.paymentIntents.create(offSession(who), { idempotencyKey: key });
    for (const saved of ['error', 'answer']) {
      await first.control('faults', { path: '/v1/payment_intents', kind: '500_after', saved });
      expect((await refused(pay(first, saved))).statusCode).toBe(500);
    }
    const second = await restart(first);
    expect((await refused(pay(second, 'error'))).statusCode).toBe(500);
    expect(await pay(second, 'answer')).toMatchObject({ status: 'succeeded' });
    expect((await second.stripe.charges.list()).data).toHaveLength(2);
  });

  it('an idempotency key expires a day after its first use, also across a restart', async () => {
    const { start, restart } = lasting();
    const first = await start();
    const { id } = await first.stripe.customers.create({}, { idempotencyKey: 'k' });
    await first.seconds(23 * 3_600);
    const second = await restart(first);
    expect((await second.stripe.customers.create({}, { idempotencyKey: 'k' })).id).toBe(id);
    await second.seconds(3_601);
    expect((await second.stripe.customers.create({}, { idempotencyKey: 'k' })).id).not.toBe(id);
  });
});

describe('after a restart, an event', () => {
  it('after a restart, an event that was not delivered is delivered, and a delivered event is not', async () => {
    const { start, restart } = lasting();
    const first = await start();
    const [hook, deaf] = [await receiver([200, 500, 500, 500]), await receiver([500, 500, 500])];
    const { secret } = await endpointAt(first.stripe, hook.url);
    await first.stripe.customers.create({ name: 'taken' });
    await first.control('webhooks/idle');
    await first.stripe.webhookEndpoints.create({ url: deaf.url, enabled_events: ['product.created'] });
    await first.stripe.products.create({ name: 'untaken' });
    await first.control('webhooks/idle');
    expect([hook.received.length, deaf.received.length]).toEqual([4, 3]);

    const second = await restart(first);
    await second.control('webhooks/idle');
    expect(hook.types()).toEqual(['customer.created', ...Array(4).fill('product.created')]);
    expect(deaf.types()).toEqual(Array(4).fill('product.created'));
    expect(verified(second.stripe, hook.received.at(-1), String(secret)).data.object).toMatchObject({
      name: 'untaken',
    });
    expect((await second.stripe.events.list({ delivery_success: false })).data).toEqual([]);

    const third = await restart(second);
    await third.control('webhooks/idle');
    expect([hook.received.length, deaf.received.length]).toEqual([5, 4]);
  });

  it('after a restart, an event is signed with the secrets that were valid before', async () => {
    const { start, restart } = lasting();
    const first = await start();
    const hook = await receiver();
    const { id, secret } = await endpointAt(first.stripe, hook.url);
    const rolled = await first.control(`webhook_endpoints/${id}/roll_secret`);
    const second = await restart(first);
    await second.stripe.customers.create();
    await second.control('webhooks/idle');
    for (const one of [secret, rolled['secret']])
      expect(verified(second.stripe, hook.received.at(-1), String(one)).type).toBe('customer.created');
  });

  it('after a restart, an event is not sent to a deleted or disabled endpoint', async () => {
    const { start, restart } = lasting();
    const first = await start();
    const hook = await receiver(Array(6).fill(500));
    const [deleted, disabled] = [
      await endpointAt(first.stripe, hook.url),
      await endpointAt(first.stripe, hook.url),
    ];
    await first.stripe.customers.create();
    await first.control('webhooks/idle');
    await first.stripe.webhookEndpoints.del(deleted.id);
    await first.stripe.webhookEndpoints.update(disabled.id, { disabled: true });
    await (await restart(first)).control('webhooks/idle');
    expect(hook.received).toHaveLength(6);
  });
});

describe('a journal', () => {
  it('the journal is readable only by its owner, and does not contain the API key', async () => {
    const { journalFile, start } = lasting();
    writeFileSync(journalFile, '');
    chmodSync(journalFile, 0o644);
    await customerWith((await start()).stripe);
    expect(statSync(journalFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(journalFile, 'utf8')).not.toContain(API_KEY);
  });

  it('reads, invalid requests and replays add nothing to the journal', async () => {
    const { journalFile, start } = lasting();
    const { stripe, running } = await start();
    await stripe.customers.create({}, { idempotencyKey: 'k' });
    const { size } = statSync(journalFile);
    await stripe.customers.list();
    await stripe.customers.create({}, { idempotencyKey: 'k' });
    const headers = { authorization: `Bearer ${API_KEY}` };
    await fetch(`${running.url}/v1/customers`, { method: 'POST', headers, body: 'nmae=Ada' });
    expect(statSync(journalFile).size).toBe(size);
  });

  it('an incomplete last line of the journal is dropped', async () => {
    const { journalFile, start, restart } = lasting();
    const first = await start();
    await first.stripe.customers.create({ name: 'Ada' });
    const before = await stateOf(first);
    await first.stripe.customers.create({ name: 'Grace' });
    await first.running.stop();
    writeFileSync(journalFile, readFileSync(journalFile).subarray(0, -20));
    const second = await start();
    expect(await stateOf(second)).toEqual(before);
    const { id } = await second.stripe.customers.create({ name: 'Emmy' });
    expect((await (await restart(second)).stripe.customers.retrieve(id)).id).toBe(id);
  });

  it.each([
    ['a line that cannot be read', (text: string) => text.replace('"turn"', '"tu'), /line 2 .* not readable/],
    ['no beginning', (text: string) => text.slice(text.indexOf('\n') + 1), /line 1 .* out of place/],
    [
      'another version',
      (text: string) => text.replace(/"journal":\d+/, '"journal":0'),
      /line 1 .* another version/,
    ],
    ['another outcome', (text: string) => text.replace('name=Ada', 'name=Eve'), /line 2 .* another outcome/],
    [
      'a route that is gone',
      (text: string) => text.replaceAll('/v1/customers', '/v1/x'),
      /line 2 .* another outcome/,
    ],
  ])('a journal with %s is rejected with one line that says what to do', async (_, damaged, message) => {
    const { journalFile, start } = lasting();
    const first = await start();
    await first.stripe.customers.create({ name: 'Ada' });
    await first.running.stop();
    const text = damaged(readFileSync(journalFile, 'utf8'));
    writeFileSync(journalFile, text);
    const error = await start().catch((reason: unknown) => reason);
    if (!(error instanceof JournalError)) throw new Error(`it started, or failed otherwise: ${error}`);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^[^\n]*move the file away[^\n]*$/);
    expect(readFileSync(journalFile, 'utf8')).toBe(text);
  });

  it('a journal in a missing folder is rejected with one line', async () => {
    await expect(bench({ journalFile: join(journalPath(), 'x') })).rejects.toThrow(
      /cannot be opened.*ENOENT/,
    );
  });

  it('a double whose journal cannot be written stops serving, so no caller sees an unstored change', async () => {
    const { running, stripe, control } = await bench();
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => logged.mockRestore());
    const hook = await receiver();
    await endpointAt(stripe, hook.url);
    running.double.keepIn({
      append: () => {
        throw new Error('the disk is full');
      },
    });
    for (const call of [() => stripe.customers.create(), () => stripe.customers.list()]) {
      const error = await refused(call());
      expect(error).toMatchObject({ statusCode: 500, message: 'The double failed: the disk is full' });
    }
    await control('webhooks/idle');
    expect(hook.received).toEqual([]);
  });
});

describe('kill -9', () => {
  it('after kill -9 under load, every change that was answered is restored', async () => {
    const journalFile = journalPath();
    // The child uses the same clock, because a stand-in never goes back before its journal.
    const child = spawn(process.execPath, ['--import', SHIFTED_DATE, CHILD, API_KEY, journalFile], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const answered = await payUntilKilled(child, await portOf(child));
    expect(answered.length).toBeGreaterThanOrEqual(KILLED_AFTER);

    const { stripe } = await bench({ journalFile });
    for (const { key, input, intent } of answered) {
      expect(await stripe.paymentIntents.retrieve(intent.id)).toEqual(intent);
      const again = await stripe.paymentIntents.create(input, { idempotencyKey: key });
      expect([again.id, isReplay(again)]).toEqual([intent.id, true]);
    }
  });
});

const KILLED_AFTER = 150;
const CALLERS = 6;
const MAX_PAYMENTS_EACH = 2_000;

interface Answered {
  readonly key: string;
  readonly input: Stripe.PaymentIntentCreateParams;
  readonly intent: Stripe.PaymentIntent;
}

async function portOf(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error('the child has no output');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return Number(line);
}

/** Pays from several concurrent callers until the process is killed. Returns the answers received by then. */
async function payUntilKilled(child: ChildProcess, port: number): Promise<readonly Answered[]> {
  const stripe = sdk({ host: '127.0.0.1', port });
  const who = await customerWith(stripe);
  const answered: Answered[] = [];
  const pay = async (caller: number): Promise<void> => {
    for (let n = 0; n < MAX_PAYMENTS_EACH; n += 1) {
      const [key, input] = [`${caller}/${n}`, offSession(who, 1_000 + n)];
      const intent = await stripe.paymentIntents.create(input, { idempotencyKey: key }).catch(() => null);
      if (intent === null) return;
      answered.push({ key, input, intent });
      if (answered.length === KILLED_AFTER) child.kill('SIGKILL');
    }
  };
  const dead = once(child, 'exit');
  await Promise.all(Array.from({ length: CALLERS }, (_, caller) => pay(caller)));
  expect(await dead).toEqual([null, 'SIGKILL']);
  return answered;
}
