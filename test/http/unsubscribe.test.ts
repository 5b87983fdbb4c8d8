import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Mail } from '../../lib/mail/port.ts';
import { deliverNotice } from '../../lib/operations/notices/deliver-notice.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { readHead } from '../../lib/store/heads.ts';
import { keys } from '../../lib/store/keys.ts';
import { putNotice } from '../../lib/store/notices.ts';
import { writeTogether } from '../../lib/store/table.ts';
import { contentsOf } from '../support/contents.ts';
import { heard } from '../support/counted.ts';
import { markClosed } from '../support/customers.ts';
import { type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';
import { Visitor } from '../support/pages.ts';

/* The link in a letter that turns off letters of its kind. */

let deps: Deps;
beforeAll(async () => {
  process.env['API_URL'] = 'https://billing.test';
  deps = await serveFromTestTable();
});
let alice: SignedUp;
beforeEach(async () => {
  alice = await signUp();
});

/** Delivers a letter of this kind, and returns it. */
async function letterOf(kind: 'fix_blocked' | 'dispute', id = 'n1'): Promise<Mail> {
  const { customerId } = alice;
  const sent: Mail[] = [];
  const content =
    kind === 'dispute'
      ? ({ kind, disputeId: id, amountCents: 2_900 } as const)
      : ({ kind, reason: 'no_billing_info', repo: 'acme/webshop', prNumber: 7 } as const);
  const notice = { customerId, id, createdAt: deps.now().toISOString(), content };
  await writeTogether(deps.table, [putNotice(notice)]);
  const mail = { send: async (message: Mail) => `m${sent.push(message)}` };
  const addresses = { appUrl: 'https://app.rsolv.dev', apiUrl: 'https://billing.test' };
  expect(await deliverNotice({ ...deps, mail, ...addresses }, { customerId, kind, id })).toBe('sent');
  const [letter] = sent;
  if (letter === undefined) throw new Error('no letter was sent');
  return letter;
}
const linkOf = async () => (await letterOf('fix_blocked')).unsubscribeUrl ?? '';
const head = () => readHead(deps.table, alice.customerId);
const muted = async () => (await head())?.mutedNotices;
/** The form that a mail provider sends, without a cookie and without an origin of ours. */
const ONE_CLICK = { 'List-Unsubscribe': 'One-Click' };

describe('the link that turns letters off', () => {
  it('a letter has the link if its kind can be turned off, and no other letter has one', async () => {
    const { unsubscribeUrl, text, html } = await letterOf('fix_blocked');
    expect(unsubscribeUrl).toMatch(
      /^https:\/\/billing\.test\/billing\/unsubscribe\?link=[0-9a-f]{32}\.[\w-]{43}$/,
    );
    expect([text, html].every((part) => part.includes(unsubscribeUrl ?? ''))).toBe(true);
    expect((await letterOf('dispute')).unsubscribeUrl).toBeNull();
  });

  it.each([
    ['no header of a browser', {}],
    ['the page of a mail program', { 'sec-fetch-site': 'cross-site', origin: 'https://mail.example' }],
  ])('one click with %s turns off only this kind, and a repeat changes nothing', async (_, headers) => {
    const link = await linkOf();
    for (const _ of ['first', 'second']) {
      const { status, text, location, cookies } = await new Visitor().post(link, ONE_CLICK, headers);
      expect([status, location, cookies]).toEqual([200, undefined, []]);
      expect(text).toContain('A merged fix could not be billed.');
      expect(text).toContain('href="/billing/settings"');
      expect(await muted()).toEqual(['fix_blocked']);
    }
    const before = await head();
    await new Visitor().post(link, ONE_CLICK, headers);
    expect(await head()).toEqual(before);
  });

  it('opening the link changes nothing: the page has a button, and its form turns the kind off', async () => {
    const link = await linkOf();
    const visitor = new Visitor();
    const { status, text, headers } = await visitor.get(link);
    expect([status, headers['referrer-policy'] ?? headers['Referrer-Policy']]).toEqual([200, 'no-referrer']);
    expect(await muted()).toEqual([]);
    const action = /action="([^"]*)"/.exec(text)?.[1] ?? '';
    expect((await visitor.post(action, {})).status).toBe(200);
    expect(await muted()).toEqual(['fix_blocked']);
  });

  it('an unknown, a malformed and a made-up link turn nothing off', async () => {
    const link = new URL(await linkOf());
    const token = link.searchParams.get('link') ?? '';
    const { customerId } = alice;
    const forged = `${customerId}.${'A'.repeat(43)}`;
    for (const wrong of [forged, '', 'nonsense', '<script>', token.slice(0, -1)]) {
      link.searchParams.set('link', wrong);
      for (const answer of [await new Visitor().get(link.href), await new Visitor().post(link.href, {})]) {
        expect(answer.status).toBe(410);
        expect(answer.text).not.toContain('<script>');
      }
    }
    expect(await muted()).toEqual([]);
  });

  it('the link does not sign in, neither as a sign-in link nor as a session cookie', async () => {
    const token = new URL(await linkOf()).searchParams.get('link') ?? '';
    expect((await new Visitor().post('/billing/enter', { link: token })).status).toBe(410);
    const visitor = new Visitor();
    visitor.steal([`__Host-rsolv_session=${token}`]);
    expect((await visitor.get('/billing')).location).toBe('/billing/sign-in');
  });

  it('neither the table nor the log contains the secret of the link', async () => {
    const link = await linkOf();
    const [, secret = ''] = (new URL(link).searchParams.get('link') ?? '').split('.');
    const { lines } = await heard(() => new Visitor().post(link, ONE_CLICK, {}));
    expect(lines.join('\n')).toContain('POST /billing/unsubscribe');
    for (const text of [JSON.stringify(await contentsOf(deps.table)), lines.join('\n')]) {
      expect(text).not.toContain(secret);
    }
  });

  it('the link of a closed account is answered with 200 and changes nothing', async () => {
    const link = await linkOf();
    await markClosed(deps, alice.customerId);
    expect((await new Visitor().post(link, ONE_CLICK, {})).status).toBe(200);
    expect(await muted()).toEqual([]);
  });

  it('a link works for 90 days', async () => {
    await linkOf();
    const [item] = (await contentsOf(deps.table)).filter(
      ({ pk, sk }) =>
        pk === keys.customer(alice.customerId) && String(sk).startsWith(keys.unsubscribe('', '').sk),
    );
    const days = (Date.parse(String(item?.['valid_until'])) - deps.now().getTime()) / 86_400_000;
    expect(days).toBeCloseTo(90, 1);
    expect(Number(item?.['expires_at']) * 1_000).toBeGreaterThanOrEqual(
      Date.parse(String(item?.['valid_until'])),
    );
  });
});
