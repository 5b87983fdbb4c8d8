import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { HANDLED_EVENT_TYPES } from '../../lib/stripe/event-types.ts';
import { openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { ensureProPrice } from '../../lib/stripe/setup/price.ts';
import { ensureWebhookEndpoint } from '../../lib/stripe/setup/webhook-endpoint.ts';
import { stripeSetup } from '../../local/stripe-setup/setup.ts';
import { API_KEY, type Bench, bench } from '../stripe-double/support.ts';

const HOOK = 'https://billing.example.com/api/webhooks/stripe';
const VERSION = '2026-10-28.endive';
const LOOKUP_KEY = 'rsolv_pro_monthly';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly faults: string;
}

/** Runs `npm run stripe:setup` with these arguments and variables. */
async function setup(args: readonly string[], settings: Record<string, string> = {}): Promise<Run> {
  const out: string[] = [];
  const faults: string[] = [];
  const code = await stripeSetup(args, settings, {
    print: (text) => out.push(text),
    fault: (text) => faults.push(text),
  });
  return { code, out: out.join('\n').trim(), faults: faults.join('\n').trim() };
}

/** A stand-in, and the setup command for it. */
async function account() {
  const double = await bench();
  const run = (...args: string[]) =>
    setup(args, { STRIPE_SECRET_KEY: API_KEY, STRIPE_API_BASE: double.running.url });
  const endpoints = async () => (await double.stripe.webhookEndpoints.list()).data;
  const prices = async () => (await double.stripe.prices.list()).data;
  return { ...double, run, endpoints, prices, writes: () => writesTo(double) };
}

/** The number of calls that may have changed something. */
const writesTo = ({ running }: Bench): number =>
  running.double.calls.all.filter(({ method }) => method !== 'GET').length;

/** The variables in the output. */
const variables = ({ out }: Run): Record<string, string> =>
  Object.fromEntries(
    [...out.matchAll(/^(STRIPE_\w+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );

const sorted = (types: readonly string[]): string[] => [...types].sort();

async function wrongPrice(stripe: Stripe): Promise<Stripe.Price> {
  return stripe.prices.create({
    unit_amount: 49_900,
    currency: 'usd',
    recurring: { interval: 'month' },
    lookup_key: LOOKUP_KEY,
    product_data: { name: 'RSOLV Pro' },
  });
}

describe('npm run stripe:setup', () => {
  it('stripe:setup creates product, price and endpoint, and prints the variables to set', async () => {
    const { run, endpoints, prices, stripe } = await account();
    const first = await run('--url', HOOK);
    expect([first.code, first.faults]).toEqual([0, '']);
    expect(first.out).toMatch(
      /^product +created .*\nprice +created .*\nportal +created .*\nwebhook +created /m,
    );

    const [price, ...otherPrices] = await prices();
    expect(otherPrices).toEqual([]);
    expect(price).toMatchObject({
      lookup_key: LOOKUP_KEY,
      unit_amount: 59_900,
      currency: 'usd',
      recurring: { interval: 'month', interval_count: 1 },
    });
    expect((await stripe.products.list()).data).toMatchObject([{ id: price?.product, name: 'RSOLV Pro' }]);

    const [endpoint, ...otherEndpoints] = await endpoints();
    expect(otherEndpoints).toEqual([]);
    expect(endpoint).toMatchObject({ url: HOOK, api_version: VERSION, status: 'enabled' });
    expect(sorted(endpoint?.enabled_events ?? [])).toEqual(sorted(HANDLED_EVENT_TYPES));
    expect(variables(first)).toEqual({
      STRIPE_PRO_PRICE_ID: price?.id,
      STRIPE_WEBHOOK_SECRETS: expect.stringMatching(/^whsec_/),
    });
  });

  it('stripe:setup changes nothing when it is run again', async () => {
    const { run, writes } = await account();
    const first = variables(await run('--url', HOOK));
    const before = writes();
    const second = await run('--url', HOOK);
    expect(second.code).toBe(0);
    expect(second.out).toMatch(/^product +found .*\nprice +found .*\nportal +found .*\nwebhook +found /m);
    expect(writes()).toBe(before);
    // Stripe returns the secret only at creation, and the price id always.
    expect(variables(second)).toEqual({ STRIPE_PRO_PRICE_ID: first['STRIPE_PRO_PRICE_ID'] });
  });

  it('stripe:setup without --url sets up no endpoint', async () => {
    const { run, endpoints } = await account();
    const { code, out } = await run();
    expect([code, await endpoints()]).toEqual([0, []]);
    expect(out).toContain('--url');
  });

  it('stripe:setup corrects the events of an endpoint and enables a disabled one', async () => {
    const { run, stripe, endpoints } = await account();
    const { id } = await stripe.webhookEndpoints.create({
      url: HOOK,
      api_version: VERSION,
      enabled_events: ['invoice.paid', 'invoice.created'],
    });
    await stripe.webhookEndpoints.update(id, { disabled: true });
    const { code, out } = await run('--url', HOOK);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^webhook +updated +${id} `, 'm'));
    expect(out).toMatch(/\+charge\.refunded.*-invoice\.created/);
    const [endpoint, ...others] = await endpoints();
    expect([endpoint?.id, endpoint?.status, others]).toEqual([id, 'enabled', []]);
    expect(sorted(endpoint?.enabled_events ?? [])).toEqual(sorted(HANDLED_EVENT_TYPES));
  });

  it('stripe:setup replaces an endpoint of another API version and reports it', async () => {
    const { run, stripe, endpoints, writes } = await account();
    // An endpoint without its own version uses the account's version.
    const old = await stripe.webhookEndpoints.create({ url: HOOK, enabled_events: ['*'] });
    const first = await run('--url', HOOK);
    expect(first.out).toMatch(/^webhook +created /m);
    expect(first.out).toMatch(new RegExp(`Disabled ${old.id}.*version.*cannot be changed`));
    expect(variables(first)['STRIPE_WEBHOOK_SECRETS']).toMatch(/^whsec_/);
    const statuses = (await endpoints()).map(({ api_version: version, status }) => [version, status]);
    expect(statuses).toEqual([
      [VERSION, 'enabled'],
      [null, 'disabled'],
    ]);

    const before = writes();
    expect((await run('--url', HOOK)).out).toMatch(/^webhook +found /m);
    expect(writes()).toBe(before);
  });

  it('stripe:setup does not change endpoints at other addresses', async () => {
    const { run, stripe, endpoints } = await account();
    const other = { url: 'https://elsewhere.example/hook', enabled_events: ['*' as const] };
    const { id } = await stripe.webhookEndpoints.create(other);
    await run('--url', HOOK);
    const left = (await endpoints()).find((one) => one.id === id);
    expect(left).toMatchObject({ url: other.url, status: 'enabled', enabled_events: ['*'] });
  });

  it('stripe:setup reports a wrong price under the lookup key in one line and changes nothing', async () => {
    const { run, stripe, writes } = await account();
    const wrong = await wrongPrice(stripe);
    const before = writes();
    const { code, out, faults } = await run('--url', HOOK);
    expect([code, out]).toEqual([1, '']);
    expect(faults).toMatch(
      new RegExp(`^The price ${wrong.id} .*49900 usd.* metadata must have .*59900 usd.*--replace-price$`),
    );
    expect(writes()).toBe(before);
  });

  it('stripe:setup --replace-price moves the lookup key to a right price, once', async () => {
    const { run, stripe, prices } = await account();
    const wrong = await wrongPrice(stripe);
    const first = await run('--replace-price');
    expect(first.code).toBe(0);
    const second = await run('--replace-price');
    expect(second.out).toMatch(/^price +found /m);
    expect(variables(second)).toEqual(variables(first));
    const found = (await prices()).map(({ id, active, lookup_key: key, unit_amount: amount, product }) => [
      id,
      active,
      key,
      amount,
      product,
    ]);
    expect(found).toEqual([
      [variables(first)['STRIPE_PRO_PRICE_ID'], true, LOOKUP_KEY, 59_900, wrong.product],
      // Existing subscribers keep the old price.
      [wrong.id, true, null, 49_900, wrong.product],
    ]);
  });

  it('stripe:setup --replace-price creates a price with the given amount and credits, and later runs keep it', async () => {
    const { run, stripe, prices, writes } = await account();
    const first = variables(await run())['STRIPE_PRO_PRICE_ID'];
    const changed = await run('--replace-price', '--month-cents', '64900', '--credits', '65');
    expect(changed.out).toMatch(
      /^price +created .*\$649\.00 a month for 65 credits, lookup key rsolv_pro_monthly$/m,
    );
    const id = variables(changed)['STRIPE_PRO_PRICE_ID'] ?? '';
    expect(id).not.toBe(first);
    expect(await stripe.prices.retrieve(id)).toMatchObject({
      unit_amount: 64_900,
      lookup_key: LOOKUP_KEY,
      product: 'rsolv_pro',
      metadata: { plan: 'pro', credits: '65' },
    });
    const before = writes();
    for (const args of [[], ['--replace-price', '--month-cents', '64900', '--credits', '65']]) {
      const again = await run(...args);
      expect([again.code, variables(again)['STRIPE_PRO_PRICE_ID']]).toEqual([0, id]);
      expect(again.out).toMatch(/^price +found .*\$649\.00 a month for 65 credits/m);
    }
    expect([writes() - before, (await prices()).length]).toEqual([0, 2]);
  });

  it('stripe:setup --replace-price reuses an earlier price with the same amount and credits', async () => {
    const { run, stripe, prices } = await account();
    const first = variables(await run())['STRIPE_PRO_PRICE_ID'] ?? '';
    await run('--replace-price', '--month-cents', '64900', '--credits', '65');
    await stripe.prices.update(first, { active: false });
    const back = await run('--replace-price');
    expect(variables(back)['STRIPE_PRO_PRICE_ID']).toBe(first);
    expect(back.out).toMatch(/^price +updated .*\$599\.00 a month for 60 credits/m);
    expect(await stripe.prices.retrieve(first)).toMatchObject({ active: true, lookup_key: LOOKUP_KEY });
    expect((await prices()).length).toBe(2);
  });

  it('stripe:setup activates an archived price and product again', async () => {
    const { run, stripe } = await account();
    const price = variables(await run())['STRIPE_PRO_PRICE_ID'] ?? '';
    await stripe.prices.update(price, { active: false });
    await stripe.products.update('rsolv_pro', { active: false });
    expect((await run()).out).toMatch(/^product +updated .*\n.*archived.*\nprice +updated /m);
    expect((await stripe.prices.retrieve(price)).active).toBe(true);
    expect((await stripe.products.retrieve('rsolv_pro')).active).toBe(true);
  });

  it('concurrent setups create one product, price and endpoint, and return the same result', async () => {
    const { running, control, endpoints, prices, stripe } = await account();
    for (const path of ['/v1/prices', '/v1/products/*', '/v1/webhook_endpoints']) {
      await control('faults', { method: 'GET', path, kind: 'delay_after', times: 2, ms: 150 });
    }
    // Then the second create call arrives while the first is still in flight.
    for (const path of ['/v1/prices', '/v1/products', '/v1/webhook_endpoints']) {
      await control('faults', { method: 'POST', path, kind: 'delay', ms: 150 });
    }
    const clients = [openSetupStripe(API_KEY, running.url), openSetupStripe(API_KEY, running.url)];
    const [price, samePrice] = await Promise.all(clients.map((client) => ensureProPrice(client)));
    expect(samePrice?.price).toEqual(price?.price);
    const [hook, sameHook] = await Promise.all(clients.map((client) => ensureWebhookEndpoint(client, HOOK)));
    expect(sameHook).toEqual(hook);
    expect(hook?.secret).toMatch(/^whsec_/);
    expect((await stripe.products.list()).data.map(({ id }) => id)).toEqual([price?.product.id]);
    expect((await prices()).map(({ id }) => id)).toEqual([price?.price.id]);
    expect((await endpoints()).map(({ id }) => id)).toEqual([hook?.id]);
  });

  it('stripe:setup recreates a deleted endpoint and price within the same day', async () => {
    const { run, stripe, endpoints, prices } = await account();
    await run('--url', HOOK);
    const [endpoint] = await endpoints();
    await stripe.webhookEndpoints.del(endpoint?.id ?? '');
    const [price] = await prices();
    await stripe.prices.update(price?.id ?? '', { lookup_key: '' });

    const again = await run('--url', HOOK);
    expect(again.code).toBe(0);
    const [newEndpoint, ...others] = await endpoints();
    expect(others).toEqual([]);
    expect(newEndpoint).toMatchObject({ url: HOOK, status: 'enabled' });
    expect(newEndpoint?.id).not.toBe(endpoint?.id);
    const [newPrice] = (await stripe.prices.list({ lookup_keys: [LOOKUP_KEY] })).data;
    expect(newPrice?.id).not.toBe(price?.id);
    expect(variables(again)['STRIPE_PRO_PRICE_ID']).toBe(newPrice?.id);
  });

  it('stripe:setup --json prints the result as JSON', async () => {
    const { run } = await account();
    const { out } = await run('--url', HOOK, '--json');
    const item = z.object({ id: z.string(), outcome: z.literal('created'), notes: z.array(z.string()) });
    const result = z
      .object({
        livemode: z.literal(false),
        product: item,
        price: item,
        webhook_endpoint: z.extend(item, { url: z.literal(HOOK) }),
        environment: z.record(z.string(), z.string()),
      })
      .parse(JSON.parse(out));
    expect(result.environment).toEqual({
      STRIPE_PRO_PRICE_ID: result.price.id,
      STRIPE_WEBHOOK_SECRETS: expect.stringMatching(/^whsec_/),
    });
  });

  it('stripe:setup --help shows examples', async () => {
    const { code, out } = await setup(['--help']);
    expect(code).toBe(0);
    expect(out).toContain('npm run stripe:setup -- --url https://');
  });

  const test = { STRIPE_SECRET_KEY: 'sk_test_x1' };
  const live = { STRIPE_SECRET_KEY: 'sk_live_x1' };
  const silent = { ...test, STRIPE_API_BASE: 'http://127.0.0.1:9' };
  it.each([
    ['a missing key', [], {}, /^STRIPE_SECRET_KEY is missing/],
    ['a malformed key', [], { STRIPE_SECRET_KEY: 'pk_test_x1' }, /^STRIPE_SECRET_KEY .*sk_test_…/],
    ['a live key', [], live, /^STRIPE_SECRET_KEY is a live key.*--live/],
    ['a restricted live key', [], { STRIPE_SECRET_KEY: 'rk_live_x1' }, /^STRIPE_SECRET_KEY is a live key/],
    ['--live with a test key', ['--live'], test, /^--live is set/],
    [
      'a live key for another server',
      ['--live'],
      { ...live, STRIPE_API_BASE: 'http://127.0.0.1:9' },
      /Unset/,
    ],
    ['an invalid address', ['--url', 'billing'], test, /^--url is "billing"/],
    [
      'another route',
      ['--url', 'https://billing.example.com/hook'],
      test,
      /^--url .*\/api\/webhooks\/stripe/,
    ],
    ['http at Stripe itself', ['--url', `http${HOOK.slice(5)}`], test, /^--url .*https/],
    ['a base with a path', [], { ...test, STRIPE_API_BASE: 'http://127.0.0.1:9/v1' }, /^STRIPE_API_BASE is/],
    ['a server that does not answer', [], silent, /^http:\/\/127\.0\.0\.1:9 .*does not answer/],
  ] as const)('stripe:setup refuses %s in one line', async (_, args, settings, message) => {
    const { code, out, faults } = await setup(args, settings);
    expect([code, out, faults.split('\n').length]).toEqual([1, '', 1]);
    expect(faults).toMatch(message);
    expect(faults).not.toContain('_x1');
  });

  it.each([
    [['--replace'], /^Unknown option '--replace'\. npm run stripe:setup -- --help lists the flags\.$/],
    [['https://billing.example.com'], /^Unexpected argument 'https:\/\/billing\.example\.com'\. .*--help/],
    [['--url'], /--url.*--help/],
    [
      ['--month-cents', '64900'],
      /^--month-cents is about the price that replaces another: add --replace-price\. .*--help/,
    ],
    [
      ['--replace-price', '--month-cents', '649.00'],
      /^--month-cents is "649\.00"; .* from 1 to 99999999\. .*--help/,
    ],
    [
      ['--replace-price', '--credits', '0'],
      /^--credits is "0"; it must be a whole number from 1 to 999999\. .*--help/,
    ],
    [
      ['--replace-price', '--plan', 'trial'],
      /^--plan is "trial"; it must be a plan that is sold: pro\. .*--help/,
    ],
  ] as const)(
    'stripe:setup refuses the command line %j in one line that names --help, with exit code 2',
    async (args, message) => {
      const { code, out, faults } = await setup(args, test);
      expect([code, out, faults.split('\n').length]).toEqual([2, '', 1]);
      expect(faults).toMatch(message);
    },
  );

  it('stripe:setup reports a key that Stripe rejects in one line', async () => {
    const { running } = await bench();
    const { code, faults } = await setup([], {
      STRIPE_SECRET_KEY: 'sk_test_other',
      STRIPE_API_BASE: running.url,
    });
    expect([code, faults.split('\n').length]).toEqual([1, 1]);
    expect(faults).toMatch(/refuses STRIPE_SECRET_KEY/);
    expect(faults).not.toContain('other');
  });
});
