import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Bench,
  bench,
  customerWith,
  monthlyPrice,
  offSession,
  receiver,
  refused,
  subscribe,
} from './support.ts';

const HOSTILE = '<script>alert(1)</script>\u202Egnp.exe" onload="x';

const read = async (url: string): Promise<string> => (await fetch(url)).text();

/** Submits the form of a button, as a browser does. */
function press(
  { running }: Bench,
  path: string,
  input: unknown,
  headers: Record<string, string> = { origin: running.url },
): Promise<Response> {
  return fetch(`${running.url}/do/${path}`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ input: JSON.stringify(input), back: '/' }),
    redirect: 'manual',
  });
}

/** Sends a custom Host header, which `fetch` does not allow. */
const statusFor = (port: number, path: string, host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .once('error', reject)
      .end();
  });

describe('the pages of the double', () => {
  it('the page of a payment shows its date, customer and metadata, and links each id', async () => {
    const { running, stripe } = await bench();
    const who = await customerWith(stripe);
    const intent = await stripe.paymentIntents.create({
      ...offSession(who),
      metadata: { fix_attempt_id: 'fix_1' },
    });
    const list = await read(`${running.url}/payments`);
    expect(list).toContain(`<a href="/objects/${intent.id}">`);
    expect(list).toContain(`<a href="/objects/${who.customer}">`);
    expect(list).toContain('$29.00');
    expect(list).toContain('fix_1');
    expect(list).toContain(new Date(intent.created * 1_000).toISOString().slice(0, 10));

    const object = await read(`${running.url}/objects/${intent.id}`);
    expect(object).toContain(`"<a href="/objects/${who.customer}">`);
    expect(object).toContain('payment_intent.succeeded');
    const customer = await read(`${running.url}/objects/${who.customer}`);
    expect(customer).toContain(`<a href="/objects/${intent.id}">`);
  });

  it('every link of every page opens a page', async () => {
    const { running, stripe } = await bench();
    const hook = await receiver();
    await stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['*'] });
    const who = await customerWith(stripe);
    const price = await monthlyPrice(stripe);
    await subscribe(stripe, who.customer, price.id);
    const paid = await stripe.paymentIntents.create(offSession(who));
    await stripe.refunds.create({ payment_intent: paid.id });
    await customerWith(stripe, 'pm_card_createDispute').then((other) =>
      stripe.paymentIntents.create(offSession(other)),
    );
    await running.double.deliveries.idle();
    const open = ['/'];
    const seen = new Set(open);
    for (const path of open) {
      const response = await fetch(running.url + path);
      expect([path, response.status]).toEqual([path, 200]);
      for (const [, next = ''] of (await response.text()).matchAll(/href="(\/[^"]*)"/g)) {
        if (!seen.has(next)) open.push(next);
        seen.add(next);
      }
    }
    expect(seen.size).toBeGreaterThan(40);
  });

  it('a list page shows at most fifty objects and links to further pages', async () => {
    const { running, stripe } = await bench();
    for (let n = 0; n < 60; n += 1) await stripe.customers.create({ name: `Customer ${n}` });
    const first = await read(`${running.url}/customers`);
    expect(first.match(/Customer \d+/g)).toHaveLength(50);
    expect(first).toContain('href="/customers?page=2"');
    expect((await read(`${running.url}/customers?page=2`)).match(/Customer \d+/g)).toHaveLength(10);
    for (const page of ['0', '-1', '99999999', 'x', '']) {
      expect((await fetch(`${running.url}/customers?page=${page}`)).status).toBe(200);
    }
  });

  it('a page shows a hostile name as text and writes out invisible characters', async () => {
    const { running, stripe } = await bench();
    const { id } = await stripe.customers.create({
      name: HOSTILE,
      email: 'ada@customer.example',
      metadata: { note: HOSTILE },
    });
    for (const path of ['/', '/customers', `/objects/${id}`, '/calls']) {
      const page = await read(running.url + path);
      expect(page).not.toContain('<script');
      expect(page).not.toContain('\u202E');
      expect(page).not.toContain('onload="x');
    }
    expect(await read(`${running.url}/customers`)).toContain(
      '&lt;script&gt;alert(1)&lt;/script&gt;[U+202E]gnp.exe',
    );
  });

  it('the content security policy allows the page’s own style and forms, and no script', async () => {
    const { running } = await bench();
    const { headers } = await fetch(running.url);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+='; form-action 'self'; /);
    expect(policy).toContain("frame-ancestors 'none'");
  });

  it('the page of a payment shows no secret', async () => {
    const { running, stripe } = await bench();
    const who = await customerWith(stripe);
    const { id, client_secret: secret } = await stripe.paymentIntents.create(offSession(who));
    expect(secret).not.toBeNull();
    expect(await read(`${running.url}/objects/${id}`)).not.toContain(secret);
  });

  it('the page of an unknown object is 404 and shows its id as text', async () => {
    const { running } = await bench();
    const response = await fetch(`${running.url}/objects/${encodeURIComponent('pi_<b>1')}`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('pi_&lt;b&gt;1');
  });
});

describe('a button of the double', () => {
  it('a button moves the clock and returns to its page', async () => {
    const one = await bench();
    const before = one.running.double.clock.nowSeconds;
    const answer = await press(one, 'clock', { seconds: 3_600 });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toMatch(/^\/\?done=\d+$/);
    expect(one.running.double.clock.nowSeconds).toBeGreaterThanOrEqual(before + 3_600);
    expect(await read(one.running.url + answer.headers.get('location'))).toContain('The clock was moved.');
  });

  it('a button authenticates a payment as the cardholder, and then disappears', async () => {
    const one = await bench();
    const { running, stripe } = one;
    const who = await customerWith(stripe, 'pm_card_authenticationRequired');
    const { payment_intent: intent } = await refused(stripe.paymentIntents.create(offSession(who)));
    const path = `payment_intents/${intent?.id}/authenticate`;
    expect(await read(`${running.url}/objects/${intent?.id}`)).toContain(`action="/do/${path}"`);
    expect((await press(one, path, { succeeds: true })).status).toBe(303);
    expect((await stripe.paymentIntents.retrieve(intent?.id ?? '')).status).toBe('succeeded');
    expect(await read(`${running.url}/objects/${intent?.id}`)).not.toContain(`action="/do/${path}"`);
  });

  it('buttons dispute a payment and close the dispute; an impossible action is answered with the reason', async () => {
    const one = await bench();
    const { running, stripe } = one;
    const who = await customerWith(stripe);
    const intent = await stripe.paymentIntents.create(offSession(who));
    const path = `charges/${intent.latest_charge}/dispute`;
    expect(await read(`${running.url}/objects/${intent.id}`)).toContain(`action="/do/${path}"`);
    expect((await press(one, path, { reason: 'fraudulent' })).status).toBe(303);
    const [dispute] = (await stripe.disputes.list()).data;
    const close = `disputes/${dispute?.id}/close`;
    expect(await read(`${running.url}/objects/${dispute?.id}`)).toContain(`action="/do/${close}"`);
    expect((await press(one, close, { status: 'won' })).status).toBe(303);
    const again = await press(one, close, { status: 'won' });
    expect(again.status).toBe(400);
    expect(await again.text()).toContain('This dispute is already closed.');
  });

  it('buttons hold webhooks back and send them', async () => {
    const one = await bench();
    const hook = await receiver();
    await one.stripe.webhookEndpoints.create({ url: hook.url, enabled_events: ['customer.created'] });
    await press(one, 'webhooks', { off: true });
    await one.stripe.customers.create({});
    expect(await read(one.running.url)).toContain('Webhooks are held back: 1 waiting.');
    await press(one, 'webhooks', { off: false });
    await press(one, 'webhooks/release', {});
    await one.running.double.deliveries.idle();
    expect(hook.types()).toEqual(['customer.created']);
  });

  it.each<[string, Record<string, string>]>([
    ['of another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['of another port of this machine', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }],
    ['with the origin null', { origin: 'null' }],
    ['without an Origin header', {}],
  ])('a form %s is rejected', async (_, headers) => {
    const one = await bench();
    const before = one.running.double.clock.nowSeconds;
    const answer = await press(one, 'clock', { seconds: 1_000_000 }, headers);
    expect(answer.status).toBe(403);
    expect(one.running.double.clock.nowSeconds).toBeLessThan(before + 1_000_000);
  });

  it('a button accepts no JSON and redirects to no other site', async () => {
    const one = await bench();
    const headers = { origin: one.running.url, 'content-type': 'application/json' };
    const json = await fetch(`${one.running.url}/do/clock`, { method: 'POST', headers, body: '{}' });
    expect(json.status).toBe(400);
    for (const back of ['https://evil.example', '//evil.example', '/a/b/c', '']) {
      const answer = await fetch(`${one.running.url}/do/clock`, {
        method: 'POST',
        headers: { origin: one.running.url },
        body: new URLSearchParams({ input: '{"seconds":1}', back }),
        redirect: 'manual',
      });
      expect(answer.status).toBe(400);
    }
  });

  it('the effect of a button is in the journal and is restored after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'double-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const journalFile = `${folder}/journal.jsonl`;
    const one = await bench({ journalFile });
    const who = await customerWith(one.stripe);
    const intent = await one.stripe.paymentIntents.create(offSession(who));
    await press(one, `charges/${intent.latest_charge}/dispute`, {});
    await one.running.stop();
    const two = await bench({ journalFile });
    expect((await two.stripe.disputes.list()).data).toHaveLength(1);
  });
});

describe('the double answers to names of this machine alone', () => {
  it.each(['localhost', '127.0.0.1', '[::1]', 'LOCALHOST'])(
    'the double answers to the host name %s',
    async (name) => {
      const { running } = await bench();
      expect(await statusFor(running.port, '/', `${name}:${running.port}`)).toBe(200);
      expect(await statusFor(running.port, '/', name)).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1:1@evil.example',
    '0.0.0.0',
  ])('the double rejects the host name %s for pages, controls and the API', async (name) => {
    const { running } = await bench();
    for (const path of ['/', '/payments', '/_double/state', '/v1/customers']) {
      const status = await statusFor(running.port, path, name);
      expect([path, status === 421 || status === 400]).toEqual([path, true]);
    }
  });
});
