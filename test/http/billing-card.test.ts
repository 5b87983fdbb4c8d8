import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { letterLinkFor } from '../../lib/operations/access/letter-link.ts';
import { closeCustomer } from '../../lib/operations/accounts/close-customer.ts';
import { ensurePortalConfiguration } from '../../lib/stripe/setup/portal.ts';
import { enterCard } from '../../local/stripe-double/resources/checkout-sessions.ts';
import { heard } from '../support/counted.ts';
import { api, call, type SignedUp, signUp } from '../support/http.ts';
import {
  atStripe,
  bill,
  changesAtStripe,
  customerOutOfCredits,
  leaveCredits,
  proCustomer,
  recorded,
  serveMoney,
} from '../support/http-money.ts';
import { writeFixes } from '../support/large-history.ts';
import { headOf, type Money } from '../support/money.ts';
import { hiddenField, type Shown, Visitor } from '../support/pages.ts';

/* The card page: adding a card at Stripe, billing waiting fixes, and the links of letters. */

let money: Money;
beforeAll(async () => {
  ({ money } = await serveMoney());
  process.env['API_URL'] = 'https://billing.test';
});

async function signedIn({ apiKey }: SignedUp): Promise<Visitor> {
  const visitor = new Visitor();
  const { body } = await call(api.createBillingLink, { apiKey });
  const entry = await visitor.get(String(body['url']));
  await visitor.post('/billing/enter', { link: hiddenField(entry, 'link') });
  return visitor;
}

/** Sends a form with the form token of the page. */
const send = (visitor: Visitor, page: Shown, path: string, fields: Record<string, string> = {}) =>
  visitor.post(path, { form_token: hiddenField(page, 'form_token'), ...fields });

/** Enters a card with a new fingerprint on Stripe's page. Returns the id of the card session. */
function enter({ location = '' }: Shown, card: 'visa' | 'mastercard' = 'visa'): string {
  const sessionId = /cs_test_\w+/.exec(location)?.[0] ?? '';
  enterCard(money.double.scope(), money.double.state.checkoutSessions.get(sessionId, 'path'), { card });
  const method = money.double.state.paymentMethods.newestFirst[0];
  if (method?.card != null) method.card.fingerprint = randomBytes(8).toString('hex');
  return sessionId;
}

const returnTo = (visitor: Visitor, sessionId: string) =>
  visitor.get(`/billing/card/return?session=${sessionId}`);

/** A customer without credits, with fixes whose billing was refused. */
async function withWaiting(customer: SignedUp, count: number): Promise<SignedUp> {
  await leaveCredits(money, customer.customerId, 0);
  for (let pr = 1; pr <= count; pr++) {
    const { status } = await bill(customer.apiKey, await recorded(customer.apiKey, pr));
    expect(status).toBe(402);
  }
  return customer;
}

describe('the card', () => {
  it('a card is added on Stripe’s page in one click, and the card page then shows it', async () => {
    const customer = await signUp();
    const visitor = await signedIn(customer);
    const page = await visitor.get('/billing/card');
    expect(page.text).toContain('No card on file');
    expect(page.text).toMatch(/earns\s+5 credits/);
    const sent = await send(visitor, page, '/billing/card');
    expect([sent.status, new URL(sent.location ?? '').origin]).toEqual([303, money.running.url]);
    const policy = String(page.headers['Content-Security-Policy']);
    expect(policy).toContain(`form-action 'self' https://*.stripe.com ${money.running.url};`);
    const back = await returnTo(visitor, enter(sent));
    expect(back.text).toContain('<h1>Your card is on file</h1>');
    expect(back.text).toContain('5 credits were added.');
    const shown = await visitor.get('/billing/card');
    expect(shown.text).toMatch(/Visa, ends in 4242[\s\S]*Replace the card/);
    expect(await headOf(money.deps, customer.customerId)).toMatchObject({ balance: 10 });
  });

  it('the card page asks Stripe at most 120 times an hour, and removing the card at most 20 times', async () => {
    const customer = await signUp();
    const visitor = await signedIn(customer);
    await returnTo(visitor, enter(await send(visitor, await visitor.get('/billing/card'), '/billing/card')));
    const page = await visitor.get('/billing/card');
    for (let n = 0; n < 19; n++) {
      expect((await send(visitor, page, '/billing/card/remove')).status).toBe(303);
    }
    expect((await send(visitor, page, '/billing/card/remove')).status).toBe(429);
    for (let n = 0; n < 119; n++) expect((await visitor.get('/billing/card')).status).toBe(200);
    const { status, text } = await visitor.get('/billing/card');
    expect([status, text]).toEqual([429, expect.stringContaining('Try again in 60 minutes')]);
  });

  it('without a session, the return page shows the outcome and nothing else about the account', async () => {
    const customer = await signUp();
    const visitor = await signedIn(customer);
    const sessionId = enter(await send(visitor, await visitor.get('/billing/card'), '/billing/card'));
    const { status, text } = await returnTo(new Visitor(), sessionId);
    expect(status).toBe(200);
    expect(text).toContain('5 credits were added.');
    expect(text).not.toMatch(/Acme|4242|customer\.example/);
    // Opening the page again shows the same and changes nothing.
    expect((await returnTo(new Visitor(), sessionId)).text).toContain('5 credits were added.');
    expect(await headOf(money.deps, customer.customerId)).toMatchObject({ balance: 10 });
  });

  it.each(['', 'cs_test_none', 'javascript:alert(1)', '../..', '"><script>'])(
    'a made-up session in the return address, %j, changes nothing and is not shown',
    async (session) => {
      const { status, text } = await new Visitor().get(
        `/billing/card/return?session=${encodeURIComponent(session)}`,
      );
      expect(status).toBe(200);
      expect(text).toContain('Nothing was changed');
      if (session !== '') expect(text).not.toContain(session);
    },
  );

  it('the return page says that no card was confirmed, or that the account is closed', async () => {
    const customer = await signUp();
    const visitor = await signedIn(customer);
    const sent = await send(visitor, await visitor.get('/billing/card'), '/billing/card');
    const id = /cs_test_\w+/.exec(sent.location ?? '')?.[0] ?? '';
    expect((await returnTo(visitor, id)).text).toContain('not confirmed');
    await closeCustomer(money.deps, customer.customerId);
    enter(sent);
    expect((await returnTo(visitor, id)).text).toContain('This account is closed');
  });

  it('without the form token, no card session is opened', async () => {
    const customer = await signUp();
    const visitor = await signedIn(customer);
    const changes = await changesAtStripe(money, async () => {
      expect((await visitor.post('/billing/card', {})).status).toBe(403);
    });
    expect(changes).toEqual([]);
  });

  it('the log contains no session id, no address at Stripe and no card', async () => {
    const customer = await signUp();
    const visitor = await signedIn(customer);
    const { result, lines } = await heard(async () => {
      const sent = await send(visitor, await visitor.get('/billing/card'), '/billing/card');
      const id = enter(sent);
      await returnTo(visitor, id);
      await visitor.get('/billing/card');
      return id;
    });
    const log = lines.join('\n');
    for (const secret of [result, 'ends in', '/checkout/', 'pm_']) expect(log).not.toContain(secret);
  });

  it('a card is removed only after a confirmation, and not while it pays for Pro', async () => {
    const customer = await customerOutOfCredits(money);
    const visitor = await signedIn(customer);
    const asked = await visitor.get('/billing/card/remove');
    expect(asked.text).toContain('Keep the card');
    expect((await send(visitor, asked, '/billing/card/remove')).location).toBe('/billing/card');
    expect((await visitor.get('/billing/card')).text).toContain('No card on file');
    expect(await headOf(money.deps, customer.customerId)).toMatchObject({ paymentMethodId: null });
    const pro = await proCustomer(money);
    const subscriber = await signedIn(pro);
    const refused = await send(
      subscriber,
      await subscriber.get('/billing/card/remove'),
      '/billing/card/remove',
    );
    expect([refused.status, refused.text.includes('Cancel Pro first')]).toEqual([422, true]);
    expect(atStripe(money, pro.customerId).subscriptions[0]?.status).toBe('active');
  });

  it('Stripe’s portal shows invoices and the address, but cannot change the card or the plan', async () => {
    const visitor = await signedIn(await customerOutOfCredits(money));
    const page = await visitor.get('/billing/card');
    expect((await send(visitor, page, '/billing/portal')).status).toBe(500);
    await ensurePortalConfiguration(money.stripe);
    const { status, location = '' } = await send(visitor, page, '/billing/portal');
    expect([status, new URL(location).pathname.split('/')[1]]).toEqual([303, 'portal']);
    const [session] = money.double.state.portalSessions.newestFirst;
    const features = (
      await money.stripe.billingPortal.configurations.retrieve(String(session?.configuration))
    ).features;
    expect(features.customer_update.allowed_updates).toEqual(['address', 'tax_id']);
    expect([
      features.invoice_history.enabled,
      features.payment_method_update.enabled,
      features.subscription_cancel.enabled,
    ]).toEqual([true, false, false]);
  });
});

describe('waiting fixes', () => {
  const paid = ({ customerId }: SignedUp) => atStripe(money, customerId).paid;

  it('after a card is added, one click bills the waiting fixes, and nothing bills them before', async () => {
    const customer = await withWaiting(await signUp(), 4);
    const visitor = await signedIn(customer);
    const sent = await send(visitor, await visitor.get('/billing/card'), '/billing/card');
    const sessionId = enter(sent);
    const back = await returnTo(visitor, sessionId);
    expect(back.text).toContain('<button>Bill the 4 waiting fixes from credits</button>');
    expect((await returnTo(new Visitor(), sessionId)).text).not.toContain('waiting fixes from credits');
    await leaveCredits(money, customer.customerId, 1);
    const page = await visitor.get('/billing/card/waiting');
    expect(page.text).toContain('<button>Bill the 4 waiting fixes for $87.00</button>');
    expect(page.text).toMatch(/1 from credits, 3 for .*\$87\.00/);
    expect(paid(customer)).toEqual([]);
    const fields = { fixes: hiddenField(page, 'fixes'), cents: hiddenField(page, 'cents') };
    const billed = await send(visitor, page, '/billing/card/waiting', fields);
    expect(billed.text).toContain('4 fixes billed.');
    expect(billed.text).toContain('Every merged fix that RSOLV reported is billed');
    expect(paid(customer)).toEqual([2_900, 2_900, 2_900]);
    // Sending the same form again bills nothing.
    expect((await send(visitor, page, '/billing/card/waiting', fields)).text).toContain(
      'Already billed to your card',
    );
    expect(paid(customer)).toHaveLength(3);
  });

  it('one click bills a limited number of fixes, and the next click bills the others', async () => {
    const customer = await withWaiting(await signUp(), 7);
    const { customerId } = customer;
    await call(api.addPaymentMethod, {
      apiKey: customer.apiKey,
      body: { payment_method_id: await money.newCard(), billing_consent: true },
    });
    await leaveCredits(money, customerId, 0);
    const visitor = await signedIn(customer);
    const page = await visitor.get('/billing/card/waiting');
    expect(page.text).toContain('Bill the 7 waiting fixes for $203.00');
    const form = (shown: Shown) => ({
      fixes: hiddenField(shown, 'fixes'),
      cents: hiddenField(shown, 'cents'),
    });
    const first = await send(visitor, page, '/billing/card/waiting', form(page));
    expect(first.text).toContain('5 fixes billed.');
    expect(first.text).toContain('Bill the 2 waiting fixes for $58.00');
    const second = await send(visitor, first, '/billing/card/waiting', form(first));
    expect(second.text).toContain('2 fixes billed.');
    expect(paid(customer)).toHaveLength(7);
  });

  it('if billing costs more than the page said, the page asks again and charges nothing', async () => {
    const customer = await withWaiting(await signUp(), 2);
    await call(api.addPaymentMethod, {
      apiKey: customer.apiKey,
      body: { payment_method_id: await money.newCard(), billing_consent: true },
    });
    await leaveCredits(money, customer.customerId, 1);
    const visitor = await signedIn(customer);
    const page = await visitor.get('/billing/card/waiting');
    expect(page.text).toContain('Bill the 2 waiting fixes for $29.00');
    await leaveCredits(money, customer.customerId, 0);
    const fields = { fixes: hiddenField(page, 'fixes'), cents: hiddenField(page, 'cents') };
    const again = await send(visitor, page, '/billing/card/waiting', fields);
    expect(again.status).toBe(409);
    expect(again.text).toContain('costs more now');
    expect(again.text).toContain('Bill the 2 waiting fixes for $58.00');
    expect(paid(customer)).toEqual([]);
  });

  it('a click stops after the first declined charge', async () => {
    const customer = await withWaiting(await customerOutOfCredits(money, 'pm_card_chargeCustomerFail'), 3);
    const visitor = await signedIn(customer);
    const page = await visitor.get('/billing/card/waiting');
    const fields = { fixes: hiddenField(page, 'fixes'), cents: hiddenField(page, 'cents') };
    const before = atStripe(money, customer.customerId).payments.length;
    const { text } = await send(visitor, page, '/billing/card/waiting', fields);
    expect(text).toContain('0 fixes billed.');
    expect(text).toContain('Your card was declined');
    expect(atStripe(money, customer.customerId).payments.length - before).toBe(1);
  });

  it('another customer’s fixes in the form are not billed', async () => {
    const victim = await withWaiting(await customerOutOfCredits(money, 'pm_card_chargeCustomerFail'), 1);
    const page = await (await signedIn(victim)).get('/billing/card/waiting');
    const visitor = await signedIn(await customerOutOfCredits(money));
    const own = await visitor.get('/billing/card/waiting');
    const fields = { fixes: hiddenField(page, 'fixes'), cents: '2900' };
    const { text } = await send(visitor, own, '/billing/card/waiting', fields);
    expect(text).toContain('0 fixes billed.');
    expect(paid(victim)).toEqual([]);
  });

  it('without a card, the page says what to do and has no button to bill', async () => {
    const visitor = await signedIn(await withWaiting(await signUp(), 1));
    const { text } = await visitor.get('/billing/card/waiting');
    expect(text).toContain('no card is on file');
    expect(text).not.toContain('<button>Bill');
  });

  it('among 8,200 fixes every waiting one is found, part by part, and is billed from the part that shows it', async () => {
    const customer = await signUp();
    await writeFixes(money.deps, customer.customerId, { recorded: 8_200, billed: 0 });
    await leaveCredits(money, customer.customerId, 0);
    for (const pr of [9_001, 9_002, 9_003])
      expect((await bill(customer.apiKey, await recorded(customer.apiKey, pr))).status).toBe(402);
    await leaveCredits(money, customer.customerId, 3);
    const visitor = await signedIn(customer);
    expect((await visitor.get('/billing')).text).toContain('href="/billing/card/waiting"');
    const found: string[] = [];
    let path: string | undefined = '/billing/card/waiting';
    for (let part = 1; path !== undefined; part++) {
      expect(part).toBeLessThanOrEqual(3);
      const page: Shown = await visitor.get(path);
      found.push(...[...page.text.matchAll(/acme\/webshop #(\d+)<\/td>/g)].map(([, pr = '']) => pr));
      const [, after] = /\?after=([0-9a-f]{32})/.exec(page.text) ?? [];
      path = after === undefined ? undefined : `/billing/card/waiting?after=${after}`;
      const fields = Object.fromEntries(
        ['fixes', 'cents', 'after'].map((name) => [name, hiddenField(page, name)]),
      );
      if (fields['fixes'] === '') continue;
      const { text } = await send(visitor, page, '/billing/card/waiting', fields);
      expect(text).toMatch(/[123] fix(es)? billed\./);
      // The page after the click continues in the same part.
      expect(/\?after=([0-9a-f]{32})/.exec(text)?.[1]).toBe(after);
    }
    expect(found.sort()).toEqual(['9001', '9002', '9003']);
    expect(await headOf(money.deps, customer.customerId)).toMatchObject({ balance: 0 });
  });
});

describe('a refusal to bill', () => {
  const host = { host: 'billing.test' };

  it.each([
    ['no_billing_info', '/billing/card', () => signUp()],
    ['card_declined', '/billing/card', () => customerOutOfCredits(money, 'pm_card_chargeCustomerFail')],
    ['spending_limit_reached', '/billing/settings#limit', withoutRoom],
    ['authentication_required', '/billing/approve?fix=', () => withAsking()],
  ])('the refusal %s links to the page that resolves it: %s', async (code, path, make) => {
    const customer = await make();
    await leaveCredits(money, customer.customerId, 0);
    const params = await recorded(customer.apiKey, 1);
    const { status, body } = await call(api.billFixAttempt, {
      apiKey: customer.apiKey,
      params,
      headers: host,
    });
    expect([status, body['code']]).toEqual([402, code]);
    const exact = path.endsWith('=') ? path + params.id : path;
    expect(body['action_url']).toBe(`https://billing.test${exact}`);
  });

  async function withoutRoom(): Promise<SignedUp> {
    const customer = await customerOutOfCredits(money);
    await call(api.changeSpendingLimit, { apiKey: customer.apiKey, body: { monthly_cents: 0 } });
    return customer;
  }

  const withAsking = () => customerOutOfCredits(money, 'pm_card_authenticationRequired');

  it('a refusal that no page resolves has no link', async () => {
    const { apiKey } = await signUp();
    const other = await call(api.addPaymentMethod, { apiKey, body: {}, headers: host });
    expect([other.status, other.body['action_url']]).toEqual([422, undefined]);
  });
});

describe('a letter’s link', () => {
  const linkFor = async ({ customerId }: SignedUp) =>
    (await letterLinkFor(money.deps, customerId, { kind: 'add_card' }, 'https://billing.test')) ?? '';

  it('the link of a letter puts a card on file at Stripe, without signing in', async () => {
    const customer = await signUp();
    const link = await linkFor(customer);
    // A mail scanner opens the link first, which changes nothing.
    const scanned = await changesAtStripe(money, () => new Visitor().get(link));
    expect(scanned).toEqual([]);
    const visitor = new Visitor();
    const page = await visitor.get(link);
    expect(page.text).not.toMatch(/Acme|customer\.example/);
    const field = { link: hiddenField(page, 'link') };
    const sent = await visitor.post('/billing/letter', field);
    expect(sent.status).toBe(303);
    expect(visitor.cookies).toEqual([]);
    // The link works again until the card is on file.
    expect((await visitor.post('/billing/letter', field)).location).toBe(sent.location);
    expect((await returnTo(visitor, enter(sent))).text).toContain('5 credits were added.');
    expect((await visitor.post('/billing/letter', field)).text).toContain('the card is on file');
    expect((await visitor.get('/billing/card')).location).toBe('/billing/sign-in');
  });

  it('a link to add a card does not sign in, and only such a link adds a card', async () => {
    const customer = await signUp();
    const link = new URL(await linkFor(customer)).searchParams.get('link') ?? '';
    expect((await new Visitor().post('/billing/enter', { link })).status).toBe(410);
    const { body } = await call(api.createBillingLink, { apiKey: customer.apiKey });
    const signIn = new URL(String(body['url'])).searchParams.get('link') ?? '';
    for (const made of [signIn, '', 'nonsense', `${'0'.repeat(32)}.${'A'.repeat(43)}`]) {
      expect((await new Visitor().post('/billing/letter', { link: made })).status).toBe(410);
    }
  });

  it('a link to an invoice leads to Stripe’s page only if the invoice is the customer’s', async () => {
    const pro = await proCustomer(money);
    const [invoice] = atStripe(money, pro.customerId).invoices;
    const stranger = await customerOutOfCredits(money);
    const purpose = { kind: 'pay_invoice', invoiceId: invoice?.id ?? '' } as const;
    const follow = async ({ customerId }: SignedUp) => {
      const link = (await letterLinkFor(money.deps, customerId, purpose, 'https://billing.test')) ?? '';
      const visitor = new Visitor();
      return visitor.post('/billing/letter', { link: hiddenField(await visitor.get(link), 'link') });
    };
    const { status, location = '' } = await follow(pro);
    expect([status, location]).toEqual([303, expect.stringContaining(money.running.url)]);
    expect((await follow(stranger)).location).toBeUndefined();
  });
});
