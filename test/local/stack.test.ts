import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { runningStack } from '../../cli/stage/running.ts';
import { openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { freePort } from '../../local/stack/ports.ts';
import { API_KEY, bench } from '../stripe-double/support.ts';
import { type RunningStack, spawnStart, startStack } from '../support/running-stack.ts';

let stack: RunningStack | undefined;
afterEach(async () => {
  if (stack?.process.exitCode === null) await stack.end('SIGKILL');
  stack = undefined;
});

/** Descendants of a process, as Linux tells them: the engine, its guard, the API. */
function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  return children.map(Number).flatMap((child) => [child, ...descendants(child)]);
}

/** Does what a printed curl line says; a machine need not have curl to run the tests. */
function fetchLikeCurl(line: string): Promise<Response> {
  const headers = [...line.matchAll(/-H '([^:]+): ([^']*)'/g)].map(
    ([, name = '', value = '']): [string, string] => [name, value],
  );
  const body = / -d '([^']*)'/.exec(line)?.[1];
  const method = / -X (\w+)/.exec(line)?.[1] ?? (body === undefined ? 'GET' : 'POST');
  const url = / '(http[^']*)'$/.exec(line)?.[1] ?? '';
  return fetch(url, { method, headers, ...(body !== undefined && { body }) });
}

const alive = (pids: readonly number[]): number[] =>
  pids.filter((pid) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  });

async function gone(pids: readonly number[]): Promise<void> {
  for (let tries = 0; tries < 100 && alive(pids).length > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(alive(pids)).toEqual([]);
}

describe('npm start', () => {
  it('serves, prints a key and calls that work as they stand, and says ready last', async () => {
    stack = await startStack();
    expect(stack.output.at(-1)).toBe(`ready ${stack.url}`);
    const calls = stack.output.filter((line) => line.startsWith('curl '));
    expect(calls.length).toBeGreaterThanOrEqual(9);
    const statuses = [];
    for (const line of calls) statuses.push((await fetchLikeCurl(line)).status);
    expect(statuses).toEqual([201, 200, 200, 200, 201, 200, 200, 200, 200, 201, 200, 201, 200]);

    const page = await fetch(`${stack.url}/docs`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  });

  it('answers browsers from configured origins, and no others', async () => {
    stack = await startStack();
    const preflight = (origin: string) =>
      fetch(`${stack?.url}/api/v1/usage`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'x-api-key',
        },
      });
    const allowed = 'access-control-allow-origin';
    expect((await preflight('http://localhost:3000')).headers.get(allowed)).toBe('http://localhost:3000');
    expect((await preflight('https://evil.example')).headers.get(allowed)).toBeNull();
    const get = (origin: string) => fetch(`${stack?.url}/api/v1/pricing`, { headers: { origin } });
    expect((await get('http://localhost:3000')).headers.get(allowed)).toBe('http://localhost:3000');
    expect((await get('https://evil.example')).headers.get(allowed)).toBeNull();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s stops everything and leaves no process behind',
    async (signal) => {
      stack = await startStack();
      const pids = descendants(stack.process.pid ?? 0);
      expect(pids.length).toBeGreaterThanOrEqual(2);
      expect(await stack.end(signal)).toBe(0);
      expect(stack.output.at(-1)).toBe('stopped');
      await gone(pids);
    },
  );

  it('kill -9 leaves no process behind either', async () => {
    stack = await startStack();
    const pids = descendants(stack.process.pid ?? 0);
    await stack.end('SIGKILL');
    await gone(pids);
  });

  it('a busy port is told in one line', async () => {
    stack = await startStack();
    const second = spawnStart({ PORT: String(stack.port) });
    expect(await second.exited).toBe(1);
    expect(second.output).toEqual([
      expect.stringMatching(new RegExp(`^Port ${stack.port} is in use.*PORT=`)),
    ]);
  });

  it.each([
    ['PORT', 'eighty'],
    ['PORT', '99999'],
    ['DYNAMODB_ENDPOINT', 'localhost'],
    ['LOG_LEVEL', 'LOUD'],
    ['STRIPE_PORT', 'none'],
    ['STRIPE_API_BASE', 'http://127.0.0.1:8420/v1'],
    ['STRIPE_PRO_PRICE_ID', 'prod_1'],
  ])('%s=%s is told in one line that names it', async (name, value) => {
    const { exited, output } = spawnStart({ [name]: value });
    expect(await exited).toBe(1);
    expect(output).toEqual([expect.stringContaining(`${name} is "${value}"`)]);
  });

  it('an engine that does not answer is told in one line', async () => {
    const { exited, output } = spawnStart({ DYNAMODB_ENDPOINT: 'http://127.0.0.1:9', PORT: '4998' });
    expect(await exited).toBe(1);
    expect(output.filter((line) => !line.endsWith('…'))).toEqual([
      expect.stringContaining('DYNAMODB_ENDPOINT'),
    ]);
  });
});

/** What a program that is not to start prints, when that is one line. */
async function refusal(settings: Record<string, string>): Promise<string> {
  const { exited, output } = spawnStart({ PORT: '4998', ...settings });
  const code = await exited;
  const lines = output.filter((line) => !line.endsWith(' …'));
  expect([code, lines.length]).toEqual([1, 1]);
  return lines.join('');
}

/** The stack's account, as its API sees it. */
function accountOf({ port }: RunningStack) {
  const { stripe: settings } = runningStack(port);
  return { settings, stripe: openSetupStripe(settings.secretKey, settings.apiBase) };
}

describe('the Stripe of npm start', () => {
  it('is a double that says where it is, with the price of Pro and an endpoint for its events', async () => {
    stack = await startStack();
    const { settings, stripe } = accountOf(stack);
    const line = stack.output.find((one) => one.startsWith('Stripe double '));
    expect(line).toContain(`${settings.apiBase} `);
    expect(line).toContain('nothing here is real money');
    const page = await fetch(settings.apiBase ?? '');
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('Stripe double')]);

    const price = await stripe.prices.retrieve(settings.proPriceId);
    expect([price.unit_amount, price.recurring?.interval]).toEqual([59_900, 'month']);
    const url = `http://127.0.0.1:${stack.port}/api/webhooks/stripe`;
    expect((await stripe.webhookEndpoints.list()).data.map((one) => one.url)).toEqual([url]);
    expect(settings.webhookSecrets).toEqual([expect.stringMatching(/^whsec_/)]);
  });

  it('prints calls to add a card, subscribe and cancel, and one to move its clock by a month', async () => {
    stack = await startStack();
    const { output } = stack;
    const money = output.filter((line) => /^curl .*(?:payment-method|subscription|_double)/.test(line));
    expect(money).toEqual([
      expect.stringMatching(/payment_method_id.*\/payment-method'$/),
      expect.stringMatching(/"plan":"pro".*\/subscription'$/),
      expect.stringMatching(/-X DELETE.*\/subscription\?at_period_end=true'$/),
      expect.stringMatching(/"seconds":2678400.*\/_double\/clock'$/),
    ]);
    const moved = await fetchLikeCurl(money.at(-1) ?? '');
    expect(await moved.json()).toMatchObject({ now: expect.any(Number) });
    const nowSeconds = Date.now() / 1_000;
    const state = await fetch(`${accountOf(stack).settings.apiBase}/_double/state`);
    const { now } = (await state.json()) as { now: number };
    expect(now - nowSeconds).toBeGreaterThan(30 * 24 * 60 * 60);
  });

  it('keeps its account in DATA_DIR through kill -9, on whichever ports it starts again', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'rsolv-billing-stripe-'));
    onTestFinished(() => rmSync(dataDir, { recursive: true }));
    stack = await startStack({ DATA_DIR: dataDir });
    const first = accountOf(stack);
    const customer = await first.stripe.customers.create({ email: 'ada@customer.example' });
    await stack.end('SIGKILL');

    stack = await startStack({ DATA_DIR: dataDir, STRIPE_PORT: String(await freePort()) });
    const second = accountOf(stack);
    expect(second.settings).toEqual({ ...first.settings, apiBase: second.settings.apiBase });
    expect(second.settings.apiBase).not.toBe(first.settings.apiBase);
    expect((await second.stripe.customers.retrieve(customer.id)).id).toBe(customer.id);
    const url = `http://127.0.0.1:${stack.port}/api/webhooks/stripe`;
    expect((await second.stripe.webhookEndpoints.list()).data.map((one) => one.url)).toEqual([url]);
    expect(statSync(join(dataDir, 'stripe.json')).mode & 0o777).toBe(0o600);
    await stack.end('SIGTERM');

    rmSync(join(dataDir, 'stripe.json'));
    stack = await startStack({ DATA_DIR: dataDir });
    const third = accountOf(stack);
    expect(third.settings.proPriceId).toBe(first.settings.proPriceId);
    // A secret that is lost cannot be had again: the endpoint gives way to a new one.
    expect(third.settings.webhookSecrets).not.toEqual(first.settings.webhookSecrets);
    expect((await third.stripe.webhookEndpoints.list()).data).toHaveLength(1);
    expect((await third.stripe.customers.retrieve(customer.id)).id).toBe(customer.id);
  });

  it("can be a double of one's own, on which it sets up what is not given", async () => {
    const { running, stripe } = await bench();
    stack = await startStack({ STRIPE_SECRET_KEY: API_KEY, STRIPE_API_BASE: running.url });
    expect(stack.output.join('\n')).toContain(`your own server at ${running.url}`);
    const { settings } = accountOf(stack);
    const [price, ...others] = (await stripe.prices.list()).data;
    expect([settings.proPriceId, others]).toEqual([price?.id, []]);
    const [endpoint] = (await stripe.webhookEndpoints.list()).data;
    expect(endpoint?.url).toBe(`http://127.0.0.1:${stack.port}/api/webhooks/stripe`);
    const { port } = stack;
    await stack.end('SIGINT');

    const given = { STRIPE_WEBHOOK_SECRETS: 'whsec_new,whsec_old', STRIPE_PRO_PRICE_ID: 'price_given' };
    const writes = () => running.double.calls.all.filter(({ method }) => method !== 'GET').length;
    const before = writes();
    stack = await startStack({
      PORT: String(port),
      STRIPE_SECRET_KEY: API_KEY,
      STRIPE_API_BASE: running.url,
      ...given,
    });
    expect(accountOf(stack).settings).toEqual({
      secretKey: API_KEY,
      apiBase: running.url,
      webhookSecrets: ['whsec_new', 'whsec_old'],
      proPriceId: 'price_given',
    });
    expect(writes()).toBe(before);
  });

  it('a busy STRIPE_PORT is told in one line', async () => {
    const { running } = await bench();
    const fault = await refusal({ STRIPE_PORT: String(running.port) });
    expect(fault).toMatch(new RegExp(`^Port ${running.port} is in use.*STRIPE_PORT=`));
  });

  const test = { STRIPE_SECRET_KEY: 'sk_test_x1' };
  it.each([
    ['a live key', { STRIPE_SECRET_KEY: 'sk_live_x1' }, /^STRIPE_SECRET_KEY is a live key/],
    ['a restricted live key', { STRIPE_SECRET_KEY: 'rk_live_x1' }, /^STRIPE_SECRET_KEY is a live key/],
    ['a key that is none', { STRIPE_SECRET_KEY: 'pk_test_x1' }, /^STRIPE_SECRET_KEY .*sk_test_…/],
    ['STRIPE_API_BASE alone', { STRIPE_API_BASE: 'http://127.0.0.1:9' }, /^STRIPE_API_BASE is set without/],
    ['a price alone', { STRIPE_PRO_PRICE_ID: 'price_1' }, /^STRIPE_PRO_PRICE_ID is set without/],
    ['one port for both', { PORT: '4997', STRIPE_PORT: '4997' }, /^PORT and STRIPE_PORT are both 4997/],
    ['three secrets', { ...test, STRIPE_WEBHOOK_SECRETS: 'whsec_x1,whsec_x1,whsec_x1' }, /one or two/],
    [
      'Stripe itself without a webhook secret',
      test,
      /^STRIPE_WEBHOOK_SECRETS is missing.*stripe listen --latest --forward-to http:\/\/127\.0\.0\.1:4998\/api\/webhooks\/stripe.*npm run stripe:setup/,
    ],
    [
      'a server that does not answer',
      { ...test, STRIPE_API_BASE: 'http://127.0.0.1:9' },
      /^http:\/\/127\.0\.0\.1:9 .*does not answer/,
    ],
  ])('refuses %s in one line that repeats no secret', async (_, settings, message) => {
    const fault = await refusal(settings);
    expect(fault).toMatch(message);
    expect(fault).not.toContain('_x1');
  });

  it('an account without a price for Pro is told what to run', async () => {
    // Not on this machine, as far as the stack can tell: nothing is set up there.
    const { running } = await bench();
    const fault = await refusal({
      STRIPE_SECRET_KEY: API_KEY,
      STRIPE_API_BASE: `http://0.0.0.0:${running.port}`,
      STRIPE_WEBHOOK_SECRETS: 'whsec_1',
    });
    expect(fault).toMatch(/^STRIPE_PRO_PRICE_ID is missing.*npm run stripe:setup/);
  });
});
