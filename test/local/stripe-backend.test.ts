import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readSettings } from '../../cli/stage/local-settings.ts';
import { openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { ensureProPrice } from '../../lib/stripe/setup/price.ts';
import { clockOfStandIn } from '../../local/stack/double-clock.ts';
import { startEngine } from '../../local/stack/engine.ts';
import { followMovedClock } from '../../local/stack/moved-clock.ts';
import { freePort } from '../../local/stack/ports.ts';
import { type StripeBackend, startStripe } from '../../local/stack/stripe-backend.ts';
import { API_KEY, bench } from '../stripe-double/support.ts';

/* The Stripe backend of `npm start`, without the rest of the stack. */

const DAY_MS = 24 * 60 * 60 * 1_000;
const API_PORT = 4_998;
const HOOK = `http://127.0.0.1:${API_PORT}/api/webhooks/stripe`;

async function started(settings: Record<string, string>, dataDir?: string): Promise<StripeBackend> {
  const { stripe: choice } = readSettings(settings);
  return startStripe(choice, { apiPort: API_PORT, dataDir });
}

const sdkOf = ({ settings }: StripeBackend) => openSetupStripe(settings.secretKey, settings.apiBase);

describe('the Stripe double of npm start', () => {
  it('the Stripe double has a page, the Pro price and a webhook endpoint', async () => {
    const backend = await started({ STRIPE_PORT: String(await freePort()) });
    onTestFinished(() => backend.stop());
    const { settings, describe: line, doubleUrl } = backend;
    expect(line).toContain(`${doubleUrl} `);
    expect(line).toContain('no real money');
    const page = await fetch(doubleUrl ?? '');
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('Stripe double')]);

    const stripe = sdkOf(backend);
    const price = await stripe.prices.retrieve(settings.proPriceId);
    expect([price.unit_amount, price.recurring?.interval]).toEqual([59_900, 'month']);
    expect((await stripe.webhookEndpoints.list()).data.map((one) => one.url)).toEqual([HOOK]);
    expect(settings.webhookSecrets).toEqual([expect.stringMatching(/^whsec_/)]);
  });

  it('the Stripe double keeps its account in DATA_DIR across restarts on other ports', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'rsolv-billing-stripe-'));
    onTestFinished(() => rmSync(dataDir, { recursive: true }));
    const startAgain = async () => started({ STRIPE_PORT: String(await freePort()) }, dataDir);

    const first = await startAgain();
    const customer = await sdkOf(first).customers.create({ email: 'ada@customer.example' });
    await first.stop();

    const second = await startAgain();
    expect(second.settings).toEqual({ ...first.settings, apiBase: second.settings.apiBase });
    expect(second.settings.apiBase).not.toBe(first.settings.apiBase);
    expect((await sdkOf(second).customers.retrieve(customer.id)).id).toBe(customer.id);
    expect((await sdkOf(second).webhookEndpoints.list()).data.map((one) => one.url)).toEqual([HOOK]);
    expect(statSync(join(dataDir, 'stripe.json')).mode & 0o777).toBe(0o600);
    await second.stop();

    rmSync(join(dataDir, 'stripe.json'));
    const third = await startAgain();
    onTestFinished(() => third.stop());
    expect(third.settings.proPriceId).toBe(first.settings.proPriceId);
    // A lost secret cannot be read again: a new endpoint replaces the old one.
    expect(third.settings.webhookSecrets).not.toEqual(first.settings.webhookSecrets);
    expect((await sdkOf(third).webhookEndpoints.list()).data).toHaveLength(1);
    expect((await sdkOf(third).customers.retrieve(customer.id)).id).toBe(customer.id);
  });
});

it('the Stripe double of npm start sells at the price that stripe:setup created last in DATA_DIR', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'rsolv-billing-stripe-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const first = await started({ STRIPE_PORT: String(await freePort()) }, dataDir);
  const replacement = { plan: 'pro', monthCents: 64_900, credits: 65 } as const;
  const { price } = await ensureProPrice(sdkOf(first), { replacement });
  await first.stop();
  const second = await started({ STRIPE_PORT: String(await freePort()) }, dataDir);
  onTestFinished(() => second.stop());
  expect(second.settings.proPriceId).toBe(price.id);
  expect(second.settings.proPriceId).not.toBe(first.settings.proPriceId);
});

describe("a user's own double as the Stripe of npm start", () => {
  it("npm start creates the missing price and endpoint on a user's own double", async () => {
    const { running, stripe } = await bench();
    const backend = await started({ STRIPE_SECRET_KEY: API_KEY, STRIPE_API_BASE: running.url });
    expect(backend.describe).toContain(`your own server at ${running.url}`);
    const [price, ...others] = (await stripe.prices.list()).data;
    expect([backend.settings.proPriceId, others]).toEqual([price?.id, []]);
    expect((await stripe.webhookEndpoints.list()).data.map(({ url }) => url)).toEqual([HOOK]);
  });

  it("schedules run when the clock of a user's own double makes them due", async () => {
    const { running, control } = await bench();
    const { aheadMs } = await started({ STRIPE_SECRET_KEY: API_KEY, STRIPE_API_BASE: running.url });
    if (aheadMs === null) throw new Error('the clock of the stand-in is not read');
    const stopping = new AbortController();
    const ran: string[] = [];
    const rates = [{ functionName: 'nightly', everyMs: DAY_MS }];
    const run = async (name: string) => {
      ran.push(name);
      stopping.abort();
    };
    const first = await aheadMs();
    const following = followMovedClock({ aheadMs, rates, run, signal: stopping.signal });
    await control('clock', { seconds: (2 * DAY_MS) / 1_000 });
    await following;
    expect(ran).toEqual(['nightly']);
    expect((await aheadMs()) - first).toBeGreaterThan(1.9 * DAY_MS);
  });

  it('an hourly schedule runs when the clock of a double is moved by an hour and its answer is a little late', async () => {
    const HOUR_MS = 60 * 60 * 1_000;
    const stopping = new AbortController();
    const measured = [0, 0, HOUR_MS - 20, HOUR_MS - 10];
    const aheadMs = () => measured.shift() ?? stopping.abort() ?? HOUR_MS;
    const ran: string[] = [];
    const rates = [{ functionName: 'hourly', everyMs: HOUR_MS }];
    const run = async (name: string) => void ran.push(name);
    await followMovedClock({ aheadMs, rates, run, signal: stopping.signal });
    expect(ran).toEqual(['hourly']);
  });

  it('the last known clock of a double is used while it does not answer', async () => {
    const { running } = await bench();
    const aheadMs = await clockOfStandIn(running.url);
    await running.stop();
    expect(Math.abs((await aheadMs?.()) ?? Number.NaN)).toBeLessThan(60_000);
    expect(await clockOfStandIn(running.url)).toBeNull();
  });

  it("npm start changes nothing on a user's own double if settings name price and secrets", async () => {
    const { running } = await bench();
    const { settings } = await started({
      STRIPE_SECRET_KEY: API_KEY,
      STRIPE_API_BASE: running.url,
      STRIPE_WEBHOOK_SECRETS: 'whsec_new,whsec_old',
      STRIPE_PRO_PRICE_ID: 'price_configured',
    });
    expect(settings).toEqual({
      secretKey: API_KEY,
      apiBase: running.url,
      webhookSecrets: ['whsec_new', 'whsec_old'],
      proPriceId: 'price_configured',
    });
    expect(running.double.calls.all.filter(({ method }) => method !== 'GET')).toEqual([]);
  });
});

const test = { STRIPE_SECRET_KEY: 'sk_test_x1' };
it.each([
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
])('npm start refuses %s in one line without secrets', async (_, settings, message) => {
  const refused = started(settings).catch((error: unknown) => String(error).replace(/^SetupError: /, ''));
  expect(await refused).toMatch(message);
  expect(await refused).not.toMatch(/_x1|\n/);
});

it('npm start names the command to run if the account has no Pro price', async () => {
  // 0.0.0.0 is not a loopback address, so npm start creates nothing there.
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"object":"list","data":[],"has_more":false}');
  }).listen(0, '0.0.0.0');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const refused = started({
    STRIPE_SECRET_KEY: API_KEY,
    STRIPE_API_BASE: `http://0.0.0.0:${port}`,
    STRIPE_WEBHOOK_SECRETS: 'whsec_1',
  });
  await expect(refused).rejects.toThrow(/^STRIPE_PRO_PRICE_ID is missing.*npm run stripe:setup/);
});

it('npm start reports in one line that DYNAMODB_ENDPOINT does not answer', async () => {
  const refused = startEngine({ env: { DYNAMODB_ENDPOINT: 'http://127.0.0.1:9' } });
  await expect(refused).rejects.toThrow(
    /^DYNAMODB_ENDPOINT is http:\/\/127\.0\.0\.1:9, but nothing answers there/,
  );
});
