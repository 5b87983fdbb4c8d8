import { beforeAll, describe, expect, it } from 'vitest';
import { noSpending } from '../../lib/domain/payments/spending.ts';
import { NO_SOLD_PRICES } from '../../lib/domain/plans.ts';
import { overviewPage } from '../../lib/http/pages/overview/overview.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { contentsOf } from '../support/contents.ts';
import { countedIn, heard } from '../support/counted.ts';
import { headWith } from '../support/heads.ts';
import { api, call, type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';
import { allNoticesOf } from '../support/notices.ts';
import { hiddenField, Visitor } from '../support/pages.ts';
import { setHead } from '../support/set-head.ts';

let deps: Deps;
let alice: SignedUp;
beforeAll(async () => {
  process.env['API_URL'] = 'https://billing.test';
  deps = await serveFromTestTable();
  alice = await signUp();
});

async function linkOf({ apiKey }: SignedUp): Promise<string> {
  const { status, body } = await call(api.createBillingLink, { apiKey });
  expect(status).toBe(201);
  return String(body['url']);
}

async function signedIn(customer: SignedUp): Promise<Visitor> {
  const visitor = new Visitor();
  const page = await visitor.get(await linkOf(customer));
  const entered = await visitor.post('/billing/enter', { link: hiddenField(page, 'link') });
  expect([entered.status, entered.location]).toEqual([303, '/billing']);
  return visitor;
}

describe('the way into the billing page', () => {
  it('a link that was made with an account key signs in and shows the account', async () => {
    const visitor = await signedIn(alice);
    const { status, text, headers } = await visitor.get('/billing');
    expect(status).toBe(200);
    expect(text).toContain('<h1>Your account</h1>');
    expect(text).toMatch(/<p class="figure">5<\/p>/);
    expect(headers['cache-control']).toBe('no-store');
  });

  it("opening a link changes nothing: a mail scanner's GET does not use it up", async () => {
    const link = await linkOf(alice);
    const scanner = new Visitor();
    for (let i = 0; i < 3; i++) expect((await scanner.get(link)).cookies).toEqual([]);
    const visitor = new Visitor();
    const entered = await visitor.post('/billing/enter', {
      link: hiddenField(await visitor.get(link), 'link'),
    });
    expect(entered.status).toBe(303);
  });

  it('a used link is refused, and the page says how to get another one', async () => {
    const link = new URL(await linkOf(alice)).searchParams.get('link') ?? '';
    expect((await new Visitor().post('/billing/enter', { link })).status).toBe(303);
    const { status, text, cookies } = await new Visitor().post('/billing/enter', { link });
    expect([status, cookies]).toEqual([410, []]);
    expect(text).toContain('expired or was used already');
  });

  it('of several concurrent uses of a link, only one signs in', async () => {
    const link = new URL(await linkOf(alice)).searchParams.get('link') ?? '';
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => new Visitor().post('/billing/enter', { link })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 410, 410, 410]);
  });

  it.each(['', 'nonsense', `${'0'.repeat(32)}.${'A'.repeat(43)}`, '../..', '<script>'])(
    'a made-up link, %j, is refused and is not shown in the page',
    async (link) => {
      const { status, text } = await new Visitor().post('/billing/enter', { link });
      expect(status).toBe(410);
      expect(text).not.toContain('<script>');
    },
  );

  it('the table holds neither the link nor the session, only their hashes', async () => {
    const visitor = new Visitor();
    const link = new URL(await linkOf(alice)).searchParams.get('link') ?? '';
    await visitor.post('/billing/enter', { link });
    const stored = JSON.stringify(await contentsOf(deps.table));
    const [, session = ''] = (visitor.cookies[0] ?? '').split('=');
    for (const token of [link, session]) {
      const [, secret = ''] = token.split('.');
      expect(secret).toHaveLength(43);
      expect(stored).not.toContain(secret);
    }
  });

  it('the cookie is for this host alone, over TLS, and no script can read it', async () => {
    const link = new URL(await linkOf(alice)).searchParams.get('link') ?? '';
    const { cookies } = await new Visitor().post('/billing/enter', { link });
    expect(cookies[0]).toMatch(
      /^__Host-rsolv_session=[^;]+; Max-Age=1800; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
  });
});

describe('sign-in by e-mail', () => {
  const emailOf = async () => {
    const head = (await contentsOf(deps.table)).find(
      ({ pk, sk }) => pk === `CUSTOMER#${alice.customerId}` && sk === 'LEDGER#HEAD',
    );
    return String(head?.['email']);
  };
  const requests = async () =>
    (await allNoticesOf(deps.table, alice.customerId)).filter(({ content }) => content.kind === 'sign_in');

  it('a known and an unknown address get the same answer, but only the known one gets a letter', async () => {
    const before = (await requests()).length;
    const known = await new Visitor().post('/billing/sign-in', { email: (await emailOf()).toUpperCase() });
    const unknown = await new Visitor().post('/billing/sign-in', { email: 'stranger@acme.dev' });
    expect([known.status, known.text]).toEqual([unknown.status, unknown.text]);
    expect(await requests()).toHaveLength(before + 1);
  });

  it("a stranger's requests cause few letters and do not keep the owner out", async () => {
    const before = (await requests()).length;
    const stranger = new Visitor();
    for (let i = 0; i < 10; i++) await stranger.post('/billing/sign-in', { email: await emailOf() });
    expect((await requests()).length - before).toBe(3);
    await new Visitor().post('/billing/sign-in', { email: await emailOf() });
    expect((await requests()).length - before).toBe(4);
  });

  it('an IP address that asks too often has to wait', async () => {
    const stranger = new Visitor();
    const statuses: number[] = [];
    for (let i = 0; i < 21; i++) {
      statuses.push((await stranger.post('/billing/sign-in', { email: `s${i}@acme.dev` })).status);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(statuses.at(-1)).toBe(429);
  });

  it.each(["o'neil+r&d@acme.dev", 'ada@пример.рф'])(
    'the address %s, which sign-up accepts, gets a letter with a link',
    async (email) => {
      const { body } = await call(api.onboardCustomer, { body: { name: 'Acme', email } });
      const [, customerId = ''] = String(body['api_key']).split('_');
      expect((await new Visitor().post('/billing/sign-in', { email })).status).toBe(200);
      const told = await allNoticesOf(deps.table, customerId);
      expect(told.filter(({ content }) => content.kind === 'sign_in')).toHaveLength(1);
    },
  );

  it('an input that is not an e-mail address is refused, and the page asks again', async () => {
    const { status, text } = await new Visitor().post('/billing/sign-in', { email: '"><script>' });
    expect(status).toBe(422);
    expect(text).toContain('Enter your e-mail address');
    expect(text).not.toContain('<script>');
  });
});

describe('a session', () => {
  it('without a session, the account page redirects to the sign-in page', async () => {
    const { status, location } = await new Visitor().get('/billing');
    expect([status, location]).toEqual([303, '/billing/sign-in']);
  });

  it("neither a forged cookie nor a real one with another customer's id opens the account", async () => {
    const mallory = await signUp();
    const [cookie = ''] = (await signedIn(mallory)).cookies;
    const forged = [
      cookie.replace(mallory.customerId, alice.customerId),
      `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}`,
      '__Host-rsolv_session=nonsense',
    ];
    for (const one of forged) {
      const visitor = new Visitor();
      visitor.steal([one]);
      expect((await visitor.get('/billing')).location).toBe('/billing/sign-in');
    }
  });

  it('a sign-in link is not accepted as a session, nor a session as a link', async () => {
    const link = new URL(await linkOf(alice)).searchParams.get('link') ?? '';
    const visitor = new Visitor();
    visitor.steal([`__Host-rsolv_session=${link}`]);
    expect((await visitor.get('/billing')).location).toBe('/billing/sign-in');
    const [cookie = ''] = (await signedIn(alice)).cookies;
    const [, token = ''] = cookie.split('=');
    expect((await new Visitor().post('/billing/enter', { link: token })).status).toBe(410);
  });

  it('after signing out, the old cookie opens nothing', async () => {
    const visitor = await signedIn(alice);
    const { cookies } = visitor;
    const formToken = hiddenField(await visitor.get('/billing'), 'form_token');
    const out = await visitor.post('/billing/sign-out', { form_token: formToken });
    expect([out.location, visitor.cookies]).toEqual(['/billing/sign-in', []]);
    visitor.steal(cookies);
    expect((await visitor.get('/billing')).location).toBe('/billing/sign-in');
  });

  it.each([
    ['no form token', { fields: {}, site: 'same-origin' }],
    ['a wrong form token', { fields: { form_token: 'a'.repeat(64) }, site: 'same-origin' }],
    ['the form of another site', { fields: {}, site: 'cross-site' }],
    ['the form of a neighbouring host', { fields: {}, site: 'same-site' }],
  ])('with %s, a form changes nothing', async (_, { fields, site }) => {
    const visitor = await signedIn(alice);
    const { status } = await visitor.post('/billing/sign-out', fields, { 'sec-fetch-site': site });
    expect(status).toBe(403);
    expect((await visitor.get('/billing')).status).toBe(200);
  });

  it('neither shown nor refused pages are counted as requests with an API key', async () => {
    const visitor = await signedIn(alice);
    const { result, lines } = await heard(async () => [
      (await visitor.get('/billing')).status,
      (await visitor.post('/billing/sign-out', { form_token: 'a'.repeat(64) })).status,
    ]);
    expect(result).toEqual([200, 403]);
    expect(countedIn(lines)).toEqual([]);
    expect(lines.join('\n')).toContain(alice.customerId);
  });

  it("another site cannot sign a visitor in to an attacker's account", async () => {
    const link = new URL(await linkOf(alice)).searchParams.get('link') ?? '';
    const foreign = [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }];
    for (const headers of foreign) {
      const { status, cookies } = await new Visitor().post('/billing/enter', { link }, headers);
      expect([status, cookies]).toEqual([403, []]);
    }
  });
});

describe('the overview', () => {
  const AT = new Date('2026-03-10T12:00:00.000Z');
  const NONE = { fixes: [], next: null };
  const shownFor = (spendingLimitCents: number | null) => {
    const card = { paymentMethodId: 'pm_1', stripeCustomerId: 'cus_1' };
    const head = headWith({ balance: 0, ...card, spendingLimitCents });
    const spending = { ...noSpending('2026-03'), committedCents: 5_800, spentCents: 5_800 };
    const known = { cards: {}, spending, months: [spending] as const, prices: NO_SOLD_PRICES };
    const overview = { head, newest: [], ...known, unbilledFixes: 0, disputes: [], waiting: NONE, at: AT };
    return String(overviewPage(overview, 'token').body);
  };

  it('the overview says that the spending limit blocks the next fix, and shows its price otherwise', () => {
    expect(shownFor(8_600)).toContain('spending limit leaves no room');
    expect(shownFor(8_700)).toContain('<p class="figure">$29.00</p>');
    expect(shownFor(null)).toContain('<p class="figure">$29.00</p>');
  });
});

it('the overview opens with more open disputes than one call can read', async () => {
  const customer = await signUp();
  const ids = Array.from({ length: 101 }, (_, i) => `du_${i}`);
  await setHead(deps.table, customer.customerId, 'open_disputes', ids);
  expect((await (await signedIn(customer)).get('/billing')).status).toBe(200);
});

describe('every page', () => {
  it('account and sign-in pages run no script, allow no frames and send no referrer', async () => {
    const visitor = await signedIn(alice);
    for (const path of ['/billing', '/billing/sign-in', '/billing/enter?link=x', '/billing/enter']) {
      const { headers, text } = await visitor.get(path);
      const policy = String(headers['Content-Security-Policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers['Referrer-Policy']).toBe('no-referrer');
      expect(text).not.toMatch(/<script| style=| on\w+=|javascript:/i);
    }
  });
});
