import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import type { Deps } from '../../lib/runtime/deps.ts';
import { entriesBefore } from '../../lib/store/statement/entries.ts';
import { byCard, byCredit, granted, writeLedger } from '../support/dated-ledger.ts';
import { api, call, deployFix, fixBody, type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';
import { type Shown, Visitor } from '../support/pages.ts';
import { visitorOf } from '../support/session.ts';
import { setHead } from '../support/set-head.ts';

let deps: Deps;
beforeAll(async () => {
  deps = await serveFromTestTable();
});

const shop = (prNumber: number) => ({ githubOrg: 'acme', repoName: 'webshop', prNumber });

describe('the overview', () => {
  it('a new account sees what to do next, and no chart', async () => {
    const { customerId } = await signUp();
    const { text } = await (await visitorOf(deps, customerId)).get('/billing');
    expect(text).toContain('<h2>Get started</h2>');
    for (const link of ['/billing/keys', '/billing/card', '/billing/statement', '/billing/account.json'])
      expect(text).toContain(`href="${link}"`);
    expect(text).not.toContain('<svg');
  });

  it('an account with fixes sees its open fixes, its limit, its months and its balance', async () => {
    const { apiKey, customerId } = await signUp();
    for (const pr of [1, 2, 3, 4]) await deployFix(apiKey, pr);
    for (const pr of [5, 6, 7]) await call(api.recordFixAttempt, { apiKey, body: fixBody(pr) });
    const { text } = await (await visitorOf(deps, customerId)).get('/billing');
    expect(text).not.toContain('Get started');
    expect(factOf(text, 'Not billed yet')).toBe('3');
    expect(factOf(text, 'Paid by your credits')).toBe('1');
    expect(factOf(text, 'Merging all costs')).toBe('$58.00');
    expect(factOf(text, 'Your limit leaves')).toBe('$2,900.00');
    expect(text).toContain('<title id="balance-title">Balance over time</title>');
    expect(text).toContain('moved between 1 and 5 credits and is 1 now');
    expect(text).toContain('No fix was charged to your card');
  });

  it('the overview shows the number of waiting fixes and what billing them costs', async () => {
    const { apiKey, customerId } = await signUp();
    for (const pr of [1, 2, 3, 4, 5]) await deployFix(apiKey, pr);
    for (const pr of [6, 7, 8]) {
      const { body } = await call(api.recordFixAttempt, { apiKey, body: fixBody(pr) });
      expect((await call(api.billFixAttempt, { apiKey, params: { id: String(body['id']) } })).status).toBe(
        402,
      );
    }
    const visitor = await visitorOf(deps, customerId);
    const waiting = async () =>
      /<h2>Waiting fixes.*?<\/section>/s.exec((await visitor.get('/billing')).text)?.[0] ?? '';
    expect(await waiting()).toContain('3 fixes merged and not billed. None of them can be billed now.');
    await setHead(deps.table, customerId, 'payment_method_id', 'pm_1');
    await setHead(deps.table, customerId, 'stripe_customer_id', 'cus_1');
    await setHead(deps.table, customerId, 'balance', 1);
    expect(await waiting()).toMatch(/3 fixes can be billed now:\s1 from credits, 2 for .*\$58\.00/s);
    expect(await waiting()).toContain('href="/billing/card/waiting"');
  });

  it('each warning has a link to the page that resolves it', async () => {
    const { customerId } = await signUp();
    await setHead(deps.table, customerId, 'open_disputes', ['dp_1']);
    await setHead(deps.table, customerId, 'debt', 2);
    const { text } = await (await visitorOf(deps, customerId)).get('/billing');
    const [problem = ''] = /<section class="problem">.*?<\/section>/s.exec(text) ?? [];
    expect(problem.match(/href="[^"]+"/g)).toEqual([
      'href="/billing/documents"',
      'href="/billing/statement"',
    ]);
  });
});

/** The value of a fact on a page, without markup. */
const factOf = (text: string, name: string): string =>
  (new RegExp(`<dt>${name}</dt><dd>(.*?)</dd>`).exec(text)?.[1] ?? '').replaceAll(/<[^>]*>/g, '');

describe('the statement', () => {
  let customer: SignedUp;
  let visitor: Visitor;
  beforeAll(async () => {
    customer = await signUp();
    visitor = await visitorOf(deps, customer.customerId);
    await writeLedger(deps, customer.customerId, [
      ['2026-01-15T10:00:00.000Z', granted(2)],
      ['2026-01-31T23:59:59.999Z', byCredit(shop(1))],
      ['2026-02-01T00:00:00.000Z', byCredit({ ...shop(1), repoName: 'api' })],
      ['2026-02-10T10:00:00.000Z', byCard(shop(2))],
      ['2026-02-28T10:00:00.000Z', byCard({ ...shop(3), githubOrg: 'javascript:', repoName: '<script>' })],
      ['2026-04-01T10:00:00.000Z', byCard(shop(4), 1_500)],
    ]);
  });
  const statement = (month: string) => visitor.get(`/billing/statement?month=${month}`);

  it('the statement of a month has exactly the changes from its first to its last millisecond', async () => {
    const [january, february, march, april] = await Promise.all(
      ['2026-01', '2026-02', '2026-03', '2026-04'].map(async (month) => (await statement(month)).text),
    );
    expect(pullsOn(january)).toEqual(['acme/webshop#1']);
    expect(pullsOn(february)).toEqual(['javascript:/&lt;script&gt;#3', 'acme/webshop#2', 'acme/api#1']);
    expect(march).toContain('Nothing changed in this month');
    expect(pullsOn(april)).toEqual(['acme/webshop#4']);
  });

  it('totals are given for the month and for each repository', async () => {
    const { text } = await statement('2026-02');
    expect(factOf(text, 'Fixes billed')).toBe('3');
    expect(factOf(text, 'Charged to the card')).toBe('2 for $58.00');
    expect(factOf(text, 'Credits')).toBe('1 before, 0 after');
    expect(text).toMatch(/<td>acme\/webshop<\/td><td class="number">1<\/td><td class="number">0<\/td>/);
  });

  it('a hostile repository name is shown as text, without markup or a link', async () => {
    const { text } = await statement('2026-02');
    expect(text).toContain('https://github.com/acme/webshop/pull/2');
    expect(text).not.toMatch(/<script|href="javascript/i);
  });

  it('the statement links to the next month, and to none before the account was opened', async () => {
    const { text } = await statement('2026-01');
    expect(text).toContain('?month=2026-02');
    expect(text).not.toContain('?month=2025-12');
  });

  it('the CSV file of a month has the same lines, oldest first', async () => {
    const { headers, text } = await visitor.get('/billing/statement.csv?month=2026-02');
    expect(headers['content-type']).toContain('text/csv');
    expect(headers['content-disposition']).toBe('attachment; filename="rsolv-statement-2026-02.csv"');
    const [heading, ...rows] = text.split('\r\n');
    expect(heading).toBe(
      'time,what,organisation,repository,pull_request,credits,charged_usd,balance,fix_id,entry',
    );
    expect(rows.map((row) => row.split(',').slice(2, 8).join(' '))).toEqual([
      'acme api 1 -1 0.00 0',
      'acme webshop 2 0 29.00 0',
      'javascript: <script> 3 0 29.00 0',
      '',
    ]);
  });

  it.each([
    '/billing/statement?month=2026-13',
    '/billing/statement?month=%3Cscript%3E',
    '/billing/statement?before=nonsense',
    '/billing/statement.csv?part=0',
    '/billing/statement.csv?part=2',
    '/billing/account.json?list=heads',
    '/billing/account.json?list=fixes&after=LEDGER%23HEAD',
  ])('%s is refused with the reason', async (path) => {
    const { status, text } = await visitor.get(path);
    expect(status).toBe(422);
    expect(text).toMatch(/<section class="problem"><p>(?:Month|Cursor|Part|List) /);
    expect(text).not.toContain('<script>');
  });

  it('without a session, nothing is shown or downloaded', async () => {
    for (const path of ['statement', 'statement.csv', 'account.json']) {
      const { status, location } = await new Visitor().get(`/billing/${path}`);
      expect([path, status, location]).toEqual([path, 303, '/billing/sign-in']);
    }
  });
});

const pullsOn = (text = ''): string[] =>
  [...text.matchAll(/<td>(?:<a href="https:\/\/github[^>]*>)?([^<]*#\d+)/g)].map(([, name = '']) => name);

describe('a large account', () => {
  const FIXES = 1_010;
  let customer: SignedUp;
  let visitor: Visitor;
  beforeAll(async () => {
    customer = await signUp();
    visitor = await visitorOf(deps, customer.customerId);
    const minute = (n: number) => new Date(Date.UTC(2026, 1, 1, 0, n)).toISOString();
    await writeLedger(deps, customer.customerId, [
      ['2026-01-15T10:00:00.000Z', granted(2)],
      ...Array.from({ length: FIXES }, (_, n) => [minute(n), byCard(shop(n + 1))] as const),
      ['2026-03-01T00:00:00.000Z', byCredit(shop(9_999))],
    ]);
  });

  const all = Array.from({ length: FIXES }, (_, n) => `acme/webshop#${n + 1}`);

  it('older pages show every change of the month once, and never split a charged fix', async () => {
    const seen: string[] = [];
    let next: string | undefined = '/billing/statement?month=2026-02';
    for (let pages = 0; next !== undefined && pages < 10; pages++) {
      const { text }: Shown = await visitor.get(next);
      expect(text).toContain('This month has 2,020 changes');
      seen.push(...pullsOn(text));
      next = /href="([^"]*before=[^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(seen.toReversed()).toEqual(all);
  });

  it('the CSV files of a month have every change once, and each links to the next', async () => {
    const seen: string[] = [];
    let next: string | undefined = '/billing/statement.csv?month=2026-02';
    while (next !== undefined) {
      const { text, headers }: Shown = await visitor.get(next);
      const rows = text.trimEnd().split('\r\n').slice(1);
      seen.push(
        ...rows.map((row) =>
          row
            .split(',')
            .slice(2, 5)
            .join('/')
            .replace(/\/(\d+)$/, '#$1'),
        ),
      );
      next = /^<([^>]*)>; rel="next"$/.exec(String(headers['link'] ?? ''))?.[1];
    }
    expect(seen).toEqual(all);
  });

  it('the number of entries before a month is found in a large ledger', async () => {
    const moments = ['2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z', '2030-01-01T00:00:00.000Z'];
    const seq = 2 * FIXES + 2;
    expect(await entriesBefore(deps.table, customer.customerId, seq, moments)).toEqual([1, seq - 1, seq]);
  });

  it('a large account can be downloaded in several documents', async () => {
    const seen: unknown[] = [];
    let next: string | null = '/billing/account.json';
    let documents = 0;
    for (; next !== null && documents < 10; documents++) {
      const { text, headers }: Shown = await visitor.get(next);
      expect(headers['content-disposition']).toMatch(/^attachment; filename="rsolv-account-/);
      const { entries, next: following } = AccountDocument.parse(JSON.parse(text));
      seen.push(...entries.map(({ id }) => id));
      next = following;
    }
    const ids = Array.from({ length: 2 * FIXES + 2 }, (_, n) => `txn_${customer.customerId}_${n + 1}`);
    expect(seen).toEqual(ids);
    expect(documents).toBe(3);
  });
});

const AccountDocument = z.object({
  format: z.literal('rsolv-account-1'),
  account: z.object({ id: z.string(), name: z.string() }),
  api_keys: z.array(z.object({ id: z.string() })),
  entries: z.array(z.object({ id: z.string() })),
  fixes: z.array(z.object({ pr_number: z.number(), metadata: z.optional(z.unknown()) })),
  notices: z.array(z.object({ kind: z.string() })),
  next: z.nullable(z.string()),
});

describe('the download of an account', () => {
  it('a small account is one document with keys, fixes, entries and letters, and without secrets', async () => {
    const { apiKey, customerId, apiKeyId } = await signUp();
    await deployFix(apiKey, 1);
    const { text, headers } = await (await visitorOf(deps, customerId)).get('/billing/account.json');
    expect(headers['content-type']).toBe('application/json');
    const document = AccountDocument.parse(JSON.parse(text));
    expect(document).toMatchObject({
      account: { id: customerId },
      api_keys: [{ id: apiKeyId }],
      fixes: [{ pr_number: 1 }],
      notices: [{ kind: 'key_issued' }],
      next: null,
    });
    expect(document.entries).toHaveLength(2);
    // The secret can contain underscores.
    const secret = apiKey.split('_').slice(2).join('_');
    expect(text).not.toContain(secret);
  });
});

describe('a hostile name', () => {
  it('a hostile account name is shown as text on the overview and the statement', async () => {
    const { body } = await call(api.onboardCustomer, {
      body: { name: '<script>alert(1)</script>"onload=x', email: 'hostile@acme.dev' },
    });
    const [, customerId = ''] = String(body['api_key']).split('_');
    const visitor = await visitorOf(deps, customerId);
    for (const path of ['/billing', '/billing/statement'])
      expect((await visitor.get(path)).text).not.toMatch(/<script|"onload/);
  });
});
