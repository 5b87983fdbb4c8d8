import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { apiKeyId as apiKeyIdOf } from '../../lib/domain/api-key.ts';
import type { CustomerHead } from '../../lib/domain/customer.ts';
import { OPTIONAL_NOTICE_KINDS } from '../../lib/domain/notice-kinds.ts';
import type { Mail } from '../../lib/mail/port.ts';
import { deliverNotice } from '../../lib/operations/notices/deliver-notice.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { listActiveKeys } from '../../lib/store/api-keys.ts';
import { readHead } from '../../lib/store/heads.ts';
import { contentsOf } from '../support/contents.ts';
import { markClosed } from '../support/customers.ts';
import { uniqueEmail } from '../support/fixtures.ts';
import { api, call, fixBody, type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';
import { allNoticesOf } from '../support/notices.ts';
import { hiddenField, type Shown, Visitor } from '../support/pages.ts';
import { visitorOf } from '../support/session.ts';
import { setHead } from '../support/set-head.ts';

let deps: Deps;
beforeAll(async () => {
  process.env['API_URL'] = 'https://billing.test';
  deps = await serveFromTestTable();
});

let owner: SignedUp;
let visitor: Visitor;
beforeEach(async () => {
  owner = await signUp();
  visitor = await signedIn(owner);
});

async function signedIn({ apiKey }: SignedUp): Promise<Visitor> {
  const { body } = await call(api.createBillingLink, { apiKey });
  const entering = new Visitor();
  const link = hiddenField(await entering.get(String(body['url'])), 'link');
  expect((await entering.post('/billing/enter', { link })).location).toBe('/billing');
  return entering;
}

/** Sends a form of a page, as the browser does: with the page's form token. */
async function send(path: string, fields: Record<string, string> = {}, from = visitor): Promise<Shown> {
  const token = hiddenField(await from.get('/billing/settings'), 'form_token');
  return from.post(path, { form_token: token, ...fields });
}

const head = async ({ customerId }: SignedUp = owner): Promise<CustomerHead> => {
  const found = await readHead(deps.table, customerId);
  if (found === null) throw new Error('there is no customer');
  return found;
};
const keysOf = async ({ customerId }: SignedUp = owner) => listActiveKeys(deps.table, customerId);
const kindsOf = async ({ customerId }: SignedUp = owner) =>
  (await allNoticesOf(deps.table, customerId)).map(({ content: { kind } }) => kind);

/** Delivers the customer's unsent letters. */
async function deliver({ customerId }: SignedUp = owner): Promise<Mail[]> {
  const sent: Mail[] = [];
  const send = async (mail: Mail) => {
    sent.push(mail);
    return `m${sent.length}`;
  };
  const mailDeps = { ...deps, mail: { send }, appUrl: 'https://app.test', apiUrl: 'https://billing.test' };
  for (const { id, content, state } of await allNoticesOf(deps.table, customerId))
    if (state === 'pending') await deliverNotice(mailDeps, { customerId, kind: content.kind, id });
  return sent;
}

const linkIn = (mails: readonly Mail[], page: 'enter' | 'confirm'): string => {
  const url = new RegExp(`https://billing.test/billing/${page}\\?link=\\S+`).exec(
    mails.map(({ text }) => text).join('\n'),
  );
  return new URL(url?.[0] ?? 'https://no.link').searchParams.get('link') ?? '';
};

const apiKeyIn = ({ text }: Shown): string => /rsolv_[0-9a-f]{32}_[\w-]{43}/.exec(text)?.[0] ?? '';

/** Asks for another address and returns the link of its letter. */
async function askFor(email: string): Promise<string> {
  expect((await send('/billing/address', { email })).status).toBe(303);
  return linkIn(await deliver(), 'confirm');
}

describe('the keys', () => {
  it('a key is created for CI by default, and is shown only once', async () => {
    const page = await visitor.get('/billing/keys');
    expect(page.text).toContain('value="fixes" checked');
    expect(page.text).toContain(owner.apiKeyId.slice(0, 8));
    const created = await send('/billing/keys', { name: 'CI <b>&', scope: 'fixes', replaces: '' });
    expect([created.status, created.headers['cache-control']]).toEqual([200, 'no-store']);
    const apiKey = apiKeyIn(created);
    expect(apiKey).not.toBe('');
    expect(created.text).toContain('CI &lt;b&gt;&amp;');
    expect((await call(api.getUsage, { apiKey })).status).toBe(200);
    expect((await call(api.listApiKeys, { apiKey })).body['code']).toBe('scope_missing');
    const list = await visitor.get('/billing/keys');
    expect(list.text).not.toContain(apiKey);
    expect(list.text).toContain('CI &lt;b&gt;&amp;');
    expect(JSON.stringify(await contentsOf(deps.table))).not.toContain(apiKey.slice(-43));
  });

  it('a key can replace another, and sending the form again says that the replaced key is gone', async () => {
    const [first] = await keysOf();
    const fields = { name: '', scope: 'account', replaces: first?.keyId ?? '' };
    const byMail = await visitorOf(deps, owner.customerId);
    expect(apiKeyIn(await send('/billing/keys', fields))).not.toBe('');
    expect((await call(api.getUsage, { apiKey: owner.apiKey })).status).toBe(401);
    // The session from the replaced key's own link has ended.
    expect((await visitor.get('/billing/keys')).location).toBe('/billing/sign-in');
    const again = await send('/billing/keys', fields, byMail);
    expect([again.status, apiKeyIn(again)]).toEqual([422, '']);
    expect(again.text).toContain('no longer works. Choose another one');
    expect(await keysOf()).toHaveLength(1);
  });

  it('a key is revoked after a confirmation, and a repeat changes nothing', async () => {
    await send('/billing/keys', { name: 'old', scope: 'fixes' });
    const id = (await keysOf()).find(({ name }) => name === 'old')?.keyId ?? '';
    const asked = await visitor.get(`/billing/keys/revoke?id=${id}`);
    expect(asked.text).toContain('stops working at once');
    expect(await keysOf()).toHaveLength(2);
    for (let i = 0; i < 2; i++)
      expect((await send('/billing/keys/revoke', { id })).location).toBe('/billing/keys?done=revoked');
    expect(await keysOf()).toHaveLength(1);
    expect((await visitor.get(`/billing/keys/revoke?id=${id}`)).location).toBe('/billing/keys');
    expect((await kindsOf()).filter((kind) => kind === 'key_revoked')).toHaveLength(1);
  });

  it.each([
    [{ name: 'x'.repeat(101), scope: 'fixes' }, 'at most 100 characters'],
    [{ name: 'a\u0000b', scope: 'fixes' }, 'control characters'],
    [{ name: 'CI', scope: 'everything' }, 'Choose what the key may do'],
  ])('an invalid form for a key, %j, is shown again with the reason', async (fields, reason) => {
    const { status, text } = await send('/billing/keys', fields);
    expect(status).toBe(422);
    expect(text).toContain(reason);
    expect(await keysOf()).toHaveLength(1);
  });

  it('at most 10 keys work at a time, and the page says what to do then', async () => {
    for (let i = 1; i < 10; i++) await send('/billing/keys', { name: `k${i}`, scope: 'fixes' });
    const { status, text } = await send('/billing/keys', { name: 'k10', scope: 'fixes' });
    expect(status).toBe(422);
    expect(text).toContain('Revoke one first');
  });

  it('an id that is too long for the table names no key, and is no failure of ours', async () => {
    for (const id of ['f'.repeat(1_100), 'ä'.repeat(20), 'f'.repeat(65)]) {
      expect((await send('/billing/keys/revoke', { id })).status).toBeLessThan(500);
      expect((await send('/billing/keys', { scope: 'fixes', replaces: id })).status).toBeLessThan(500);
    }
    const after = `FIX%23${'f'.repeat(1_100)}`;
    expect((await visitor.get(`/billing/account.json?list=fixes&after=${after}`)).status).toBe(422);
    expect(await keysOf()).toHaveLength(1);
  });

  it("another customer's key can neither be revoked nor replaced", async () => {
    const mallory = await signedIn(await signUp());
    const id = owner.apiKeyId;
    expect((await send('/billing/keys/revoke', { id }, mallory)).status).toBe(404);
    const replaced = await send('/billing/keys', { name: '', scope: 'account', replaces: id }, mallory);
    expect(replaced.status).toBe(422);
    expect((await call(api.getUsage, { apiKey: owner.apiKey })).status).toBe(200);
  });
});

describe('a session from the link of an API key', () => {
  const otherKey = async () =>
    String((await call(api.issueApiKey, { apiKey: owner.apiKey })).body['api_key']);

  it('a session and an unused link end with the key that made them, and other sessions go on', async () => {
    const apiKey = await otherKey();
    const thief = await signedIn({ ...owner, apiKey });
    const unused = String((await call(api.createBillingLink, { apiKey })).body['url']);
    expect((await thief.get('/billing/keys')).status).toBe(200);
    expect((await send('/billing/keys/revoke', { id: apiKeyIdOf(apiKey) })).status).toBe(303);
    expect((await thief.get('/billing/keys')).location).toBe('/billing/sign-in');
    const replaced = await send('/billing/keys/replace-all', {}, thief).catch(() => null);
    expect(replaced?.status).not.toBe(200);
    const late = new Visitor();
    const link = new URL(unused).searchParams.get('link') ?? '';
    expect((await late.post('/billing/enter', { link })).cookies).toEqual([]);
    expect((await visitor.get('/billing/keys')).status).toBe(200);
    expect(await keysOf()).toHaveLength(1);
  });
});

describe('protection against locking oneself out', () => {
  it('the last account key is not revoked, and the page says what to do', async () => {
    const { status, text } = await send('/billing/keys/revoke', { id: owner.apiKeyId });
    expect(status).toBe(422);
    expect(text).toContain('This is your last account key');
    expect((await call(api.getUsage, { apiKey: owner.apiKey })).status).toBe(200);
  });

  it('if the last two account keys are revoked concurrently, one stays', async () => {
    await send('/billing/keys', { name: '', scope: 'account' });
    const both = await keysOf();
    // A session from a key's own link would end with the key.
    const byMail = await visitorOf(deps, owner.customerId);
    const answers = await Promise.all(
      both.map(({ keyId: id }) => send('/billing/keys/revoke', { id }, byMail)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 422]);
    expect(await keysOf()).toHaveLength(1);
  });

  it('the last account key is not replaced by a key for CI', async () => {
    const fields = { name: '', scope: 'fixes', replaces: owner.apiKeyId };
    const { status, text } = await send('/billing/keys', fields);
    expect(status).toBe(422);
    expect(text).toContain('This is your last account key');
    expect(await keysOf()).toMatchObject([{ scope: 'account' }]);
  });

  it('a mistyped address changes nothing: letters and sign-in links go to the current one', async () => {
    const before = await head();
    await askFor('ada@no-such-mailbox.example');
    expect(await head()).toMatchObject({ email: before.email, newEmail: 'ada@no-such-mailbox.example' });
    await new Visitor().post('/billing/sign-in', { email: before.email });
    expect((await deliver()).map(({ to }) => to)).toEqual([before.email]);
    await new Visitor().post('/billing/sign-in', { email: 'ada@no-such-mailbox.example' });
    expect(await deliver()).toEqual([]);
  });
});

describe('a confirmed address', () => {
  it('the link of the welcome letter confirms the address, after which all keys can be replaced', async () => {
    expect((await head()).emailState).toBe('unconfirmed');
    const welcome = await deliver();
    expect(welcome.map(({ subject }) => subject)).toEqual(['Welcome to RSOLV']);
    const reader = new Visitor();
    const link = linkIn(welcome, 'enter');
    expect((await reader.get(`/billing/enter?link=${link}`)).status).toBe(200);
    expect((await head()).emailState).toBe('unconfirmed');
    const entered = await reader.post('/billing/enter', { link });
    expect(entered.location).toBe('/billing/keys?confirmed=1');
    expect((await head()).emailState).toBe('confirmed');
    const shown = await reader.get('/billing/keys?confirmed=1');
    expect(shown.text).toContain('Your address is confirmed');
    expect(shown.text).toContain(owner.apiKeyId.slice(0, 8));

    const asked = await reader.get('/billing/keys/replace-all');
    const fields = { form_token: hiddenField(asked, 'form_token') };
    const apiKey = apiKeyIn(await reader.post('/billing/keys/replace-all', fields));
    expect((await call(api.getUsage, { apiKey: owner.apiKey })).status).toBe(401);
    expect((await call(api.listApiKeys, { apiKey })).status).toBe(200);
    const [letter] = await deliver();
    expect(letter?.text).toContain('You issued a new API key');
    expect(letter?.text.replace(/\s+/g, ' ')).toContain('was ended in the same step');
    expect((await reader.post('/billing/enter', { link })).status).toBe(410);
  });

  it('signing in by mail also confirms the address, once', async () => {
    await deliver();
    for (const next of ['/billing/keys?confirmed=1', '/billing']) {
      await new Visitor().post('/billing/sign-in', { email: (await head()).email });
      const link = linkIn(await deliver(), 'enter');
      expect((await new Visitor().post('/billing/enter', { link })).location).toBe(next);
    }
  });

  it('without a confirmed address, the page offers to mail a link, and does not replace all keys', async () => {
    const page = await visitor.get('/billing/keys');
    expect(page.text).toContain('Send a link to this address');
    expect((await visitor.get('/billing/keys/replace-all')).location).toBe('/billing/keys#lost');
    expect((await send('/billing/keys/replace-all')).status).toBe(403);
    expect(await keysOf()).toMatchObject([{ keyId: owner.apiKeyId }]);
    await setHead(deps.table, owner.customerId, 'email_state', 'assumed');
    expect((await send('/billing/keys/replace-all')).status).toBe(403);
  });

  it('a sign-in link that was mailed to an earlier address no longer works', async () => {
    const { email } = await head();
    await new Visitor().post('/billing/sign-in', { email });
    const old = linkIn(await deliver(), 'enter');
    const confirm = await askFor(uniqueEmail());
    expect((await new Visitor().post('/billing/confirm', { link: confirm })).status).toBe(303);
    expect((await new Visitor().post('/billing/enter', { link: old })).status).toBe(410);
  });
});

describe('a change of address', () => {
  it('an address changes once its owner confirms it, without a session, and the old address gets a letter', async () => {
    await deliver();
    const { email: earlier } = await head();
    const email = uniqueEmail();
    const link = await askFor(email);
    const scanner = new Visitor();
    expect((await scanner.get(`/billing/confirm?link=${link}`)).text).toContain('Confirm the address');
    expect((await head()).email).toBe(earlier);

    const reader = new Visitor();
    const confirmed = await reader.post('/billing/confirm', { link });
    expect(confirmed.location).toBe('/billing/keys?confirmed=1');
    expect((await reader.get('/billing/settings')).text).toContain(email);
    expect(await head()).toMatchObject({ email, newEmail: null, emailState: 'confirmed' });
    const told = await deliver();
    expect(told).toMatchObject([{ to: earlier, kind: 'address_changed' }]);
    expect(told[0]?.text).toContain('If this was not you, reply');
    // The table no longer holds the earlier address, in neither its claim nor the sent letter.
    expect(JSON.stringify(await contentsOf(deps.table))).not.toContain(earlier);
    expect((await new Visitor().post('/billing/confirm', { link })).status).toBe(410);
    const again = await call(api.onboardCustomer, { body: { name: 'Acme', email: earlier } });
    expect(again.status).toBe(201);
  });

  it('of several concurrent uses of a confirmation link, only one changes the address', async () => {
    const email = uniqueEmail();
    const link = await askFor(email);
    const answers = await Promise.all([1, 2, 3].map(() => new Visitor().post('/billing/confirm', { link })));
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 410, 410]);
    expect((await kindsOf()).filter((kind) => kind === 'address_changed')).toHaveLength(1);
  });

  it('a newer request ends the earlier link, and a withdrawal ends the last one', async () => {
    const first = await askFor(uniqueEmail());
    const email = uniqueEmail();
    const second = await askFor(email);
    expect((await new Visitor().post('/billing/confirm', { link: first })).status).toBe(410);
    expect((await send('/billing/address/keep')).status).toBe(303);
    expect((await send('/billing/address/keep')).status).toBe(303);
    expect((await new Visitor().post('/billing/confirm', { link: second })).status).toBe(410);
    expect((await head()).newEmail).toBeNull();
  });

  it('the letter of a request that was replaced before delivery is not sent', async () => {
    await deliver();
    await send('/billing/address', { email: uniqueEmail() });
    const email = uniqueEmail();
    await send('/billing/address', { email });
    expect((await deliver()).map(({ to }) => to)).toEqual([email]);
  });

  it('an address that another account has since taken is refused, and nothing changes', async () => {
    const email = uniqueEmail();
    const link = await askFor(email);
    const taken = await call(api.onboardCustomer, { body: { name: 'Other', email } });
    expect(taken.status).toBe(201);
    const { status, text } = await new Visitor().post('/billing/confirm', { link });
    expect(status).toBe(409);
    expect(text).toContain('Another account has this address');
    expect((await head()).email).not.toBe(email);
  });

  it('an address that differs only in letter case is stored as written and keeps its claim', async () => {
    const email = (await head()).email.toUpperCase();
    const link = await askFor(email);
    expect((await new Visitor().post('/billing/confirm', { link })).status).toBe(303);
    expect((await head()).email).toBe(email);
    const claims = (await contentsOf(deps.table)).filter(({ pk }) => pk === `EMAIL#${email.toLowerCase()}`);
    expect(claims).toHaveLength(1);
  });

  it.each([
    ['', 'is required'],
    ['ada@acme.con', 'Did you mean .com?'],
    ['"><script>', 'must be an e-mail address'],
    ['ada@mailinator.com', 'permanent address'],
    ['smoke+0123456789abcdef@rsolv.dev', 'Another account has this address'],
  ])('the address %j is refused with the reason', async (email, reason) => {
    const { status, text } = await send('/billing/address', { email });
    expect(status).toBe(422);
    expect(text).toContain(reason);
    expect(text).not.toContain('<script>');
    expect((await head()).newEmail).toBeNull();
  });

  it("the current address and another customer's address are refused", async () => {
    const other = await head(await signUp());
    for (const email of [(await head()).email, other.email])
      expect((await send('/billing/address', { email })).status).toBe(422);
  });

  it('an address gets at most 5 letters a day from all accounts together', async () => {
    const email = uniqueEmail();
    const answers: Shown[] = [];
    for (let i = 0; i < 6; i++) {
      const one = await signedIn(await signUp());
      answers.push(await send('/billing/address', { email }, one));
    }
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303, 303, 303, 429]);
    expect(answers.at(-1)?.text).toContain('5 times a day.</p>\n<p>Try again in 24 hours.');
  });

  it('a sign-in link does not confirm an address, and a confirmation link is no sign-in link', async () => {
    const { body } = await call(api.createBillingLink, { apiKey: owner.apiKey });
    const signInLink = new URL(String(body['url'])).searchParams.get('link') ?? '';
    const confirm = await askFor(uniqueEmail());
    expect((await new Visitor().post('/billing/confirm', { link: signInLink })).status).toBe(410);
    expect((await new Visitor().post('/billing/enter', { link: confirm })).status).toBe(410);
    await markClosed(deps, owner.customerId);
    expect((await new Visitor().post('/billing/confirm', { link: confirm })).status).not.toBe(303);
  });
});

describe('the limit, the letters, the name', () => {
  it('the limit is set in dollars, and a repeat sends no second letter', async () => {
    for (let i = 0; i < 2; i++)
      expect(
        (await send('/billing/settings/limit', { limit: 'dollars', dollars: '$1,290.5' })).location,
      ).toBe('/billing/settings?done=limit');
    expect((await head()).spendingLimitCents).toBe(129_050);
    expect((await kindsOf()).filter((kind) => kind === 'limit_changed')).toHaveLength(1);
    expect((await visitor.get('/billing/settings?done=limit')).text).toContain('The spending limit is set.');
    await send('/billing/settings/limit', { limit: 'none', dollars: 'x' });
    expect((await head()).spendingLimitCents).toBeNull();
  });

  it('a limit of 0 blocks a fix without a credit, and the page shows that nothing is left', async () => {
    await send('/billing/settings/limit', { limit: 'dollars', dollars: '0' });
    await setHead(deps.table, owner.customerId, 'payment_method_id', 'pm_1');
    await setHead(deps.table, owner.customerId, 'stripe_customer_id', 'cus_1');
    await setHead(deps.table, owner.customerId, 'balance', 0);
    const { body } = await call(api.recordFixAttempt, { apiKey: owner.apiKey, body: fixBody(1) });
    expect(body['merge_cost']).toMatchObject({ kind: 'blocked' });
    expect((await visitor.get('/billing/settings')).text.replace(/<[^>]*>/g, '')).toContain(
      'Room for more$0.00',
    );
  });

  it.each([
    [{ limit: 'dollars', dollars: '' }, 'Enter an amount'],
    [{ limit: 'dollars', dollars: '-5' }, 'Enter an amount'],
    [{ limit: 'dollars', dollars: '1.234' }, 'Enter an amount'],
    [{ limit: 'dollars', dollars: '1000000.01' }, 'at most $1,000,000.00'],
    [{ dollars: '5' }, 'Choose a limit'],
  ])('the limit %j is refused with the reason', async (fields: Record<string, string>, reason) => {
    const { status, text } = await send('/billing/settings/limit', fields);
    expect(status).toBe(422);
    expect(text).toContain(reason);
    expect((await head()).spendingLimitCents).toBe(290_000);
  });

  it('optional letters are turned off and on, and other kinds are ignored', async () => {
    await send('/billing/settings/letters', { letter: 'exhausted' });
    const others = OPTIONAL_NOTICE_KINDS.filter((kind) => kind !== 'exhausted');
    expect((await head()).mutedNotices).toEqual(others.toSorted());
    const { text } = await visitor.get('/billing/settings');
    expect(text).toContain('value="exhausted" checked');
    expect(text).not.toContain('value="low_balance" checked');
    await send('/billing/settings/letters', { letter: 'key_issued' });
    expect((await head()).mutedNotices).toHaveLength(OPTIONAL_NOTICE_KINDS.length);
  });

  it('a name changes at once, and markup in it stays text', async () => {
    expect((await send('/billing/settings/name', { name: '  <img src=x>javascript: & Co. ' })).status).toBe(
      303,
    );
    expect((await head()).name).toBe('<img src=x>javascript: & Co.');
    const { text } = await visitor.get('/billing/settings');
    expect(text).not.toContain('<img');
    for (const name of ['', ' ', 'x'.repeat(201), 'a\nb'])
      expect((await send('/billing/settings/name', { name })).status).toBe(422);
  });
});

describe('closing the account', () => {
  it('a customer sees what is lost, asks to close the account, and can withdraw the request', async () => {
    await deliver();
    expect((await visitor.get('/billing/settings/close')).text).toContain('You lose 5 credits');
    for (let i = 0; i < 2; i++) expect((await send('/billing/settings/close')).status).toBe(303);
    expect((await head()).closingAskedAt).not.toBeNull();
    expect((await visitor.get('/billing/settings')).text).toContain('Withdraw: keep the account');
    const [letter, ...others] = await deliver();
    expect([letter?.kind, others]).toEqual(['closing_asked', []]);
    expect((await call(api.getUsage, { apiKey: owner.apiKey })).status).toBe(200);
    for (let i = 0; i < 2; i++) expect((await send('/billing/settings/keep-open')).status).toBe(303);
    expect((await head()).closingAskedAt).toBeNull();
  });
});

const FORMS = [
  ...['keys', 'keys/revoke', 'keys/replace-all', 'settings/limit', 'settings/letters', 'settings/name'],
  ...['address', 'address/keep', 'settings/close', 'settings/keep-open'],
].map((path) => `/billing/${path}`);

it('a made-up note in the address of a page is not shown, whatever it is called', async () => {
  for (const page of ['keys', 'address', 'settings', 'plan']) {
    for (const name of ['constructor', '__proto__', 'nonsense']) {
      const { status, text } = await visitor.get(`/billing/${page}?done=${name}`);
      expect([page, name, status, text.includes('role="status"')]).toEqual([page, name, 200, false]);
    }
  }
});

describe('every form', () => {
  it('no form works without its token, from another site, or without a session', async () => {
    const before = await contentsOf(deps.table);
    const foreign = { 'sec-fetch-site': 'cross-site' };
    const formToken = hiddenField(await visitor.get('/billing/settings'), 'form_token');
    const fields = { limit: 'none', name: 'Mallory', scope: 'account', email: uniqueEmail() };
    for (const path of FORMS) {
      expect([path, (await visitor.post(path, fields)).status]).toEqual([path, 403]);
      const sent = await visitor.post(path, { ...fields, form_token: formToken }, foreign);
      expect([path, sent.status]).toEqual([path, 403]);
      const stranger = await new Visitor().post(path, { ...fields, form_token: formToken });
      expect([path, stranger.location]).toEqual([path, '/billing/sign-in']);
    }
    expect(await contentsOf(deps.table)).toEqual(before);
  });

  it('another site cannot submit the confirmation link of a letter', async () => {
    const link = await askFor(uniqueEmail());
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
      const { status, cookies } = await new Visitor().post('/billing/confirm', { link }, headers);
      expect([status, cookies]).toEqual([403, []]);
    }
    expect((await head()).newEmail).not.toBeNull();
  });

  it("another customer's session shows and changes only its own account", async () => {
    const mallory = await signedIn(await signUp());
    for (const path of ['/billing/keys', '/billing/settings'])
      expect((await mallory.get(path)).text).not.toContain((await head()).email);
    const before = await head();
    await send('/billing/settings/name', { name: 'Mallory' }, mallory);
    await send('/billing/settings/limit', { limit: 'none' }, mallory);
    expect(await head()).toEqual(before);
  });
});
