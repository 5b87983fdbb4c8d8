import { beforeAll, describe, expect, it } from 'vitest';
import { syncAccount } from '../../lib/operations/plans/sync-account.ts';
import { decodeFix } from '../../lib/store/fix-attempts.ts';
import { keys } from '../../lib/store/keys.ts';
import { readOrder } from '../../lib/store/orders.ts';
import { readOne } from '../../lib/store/table.ts';
import { heard } from '../support/counted.ts';
import { api, call, type SignedUp, signUp } from '../support/http.ts';
import {
  addCard,
  atStripe,
  bill,
  customerOutOfCredits,
  eventsAbout,
  leaveCredits,
  proCustomer,
  recorded,
  serveMoney,
} from '../support/http-money.ts';
import { headOf, type Money } from '../support/money.ts';
import { hiddenField, type Shown, Visitor } from '../support/pages.ts';
import { attachedCard, putDefault } from '../support/past-due.ts';

let money: Money;
beforeAll(async () => {
  process.env['API_URL'] = 'https://billing.test';
  process.env['STRIPE_PUBLISHABLE_KEY'] = 'pk_test_page';
  const served = await serveMoney();
  money = served.money;
  return served.stop;
});

const ASKS = 'pm_card_authenticationRequired';

/** A signed-in customer, who sends forms with the token of the plan's page. */
class Guest {
  readonly visitor = new Visitor();
  readonly customer: SignedUp;

  constructor(customer: SignedUp) {
    this.customer = customer;
  }

  async enter(): Promise<this> {
    const { body } = await call(api.createBillingLink, { apiKey: this.customer.apiKey });
    const page = await this.visitor.get(String(body['url']));
    await this.visitor.post('/billing/enter', { link: hiddenField(page, 'link') });
    return this;
  }

  get(path: string): Promise<Shown> {
    return this.visitor.get(path);
  }

  async send(path: string, fields: Record<string, string> = {}): Promise<Shown> {
    const page = await this.get('/billing/plan');
    const form_token = hiddenField(page, 'form_token');
    return this.visitor.post(path, { form_token, cents: hiddenField(page, 'cents'), ...fields });
  }
}

async function guest(card?: string): Promise<Guest> {
  const customer = await signUp();
  if (card !== undefined) await addCard(customer.apiKey, card);
  return new Guest(customer).enter();
}

const authenticate = (id: string, succeeds = true) =>
  money.control(`payment_intents/${id}/authenticate`, { succeeds });

const redirecting = (to: 'redirect_to_url' | 'use_stripe_sdk') =>
  money.control('switches', { next_action_with_return_url: to });

/** The bank's page, and the address to which it sends the cardholder back. */
function bankOf({ location = '' }: Shown): { readonly paymentIntentId: string; readonly back: string } {
  const paymentIntentId = location.split('/').at(-1) ?? '';
  const back = new URL(money.double.state.returnUrls.get(paymentIntentId) ?? '');
  back.searchParams.set('payment_intent', paymentIntentId);
  back.searchParams.set('payment_intent_client_secret', `${paymentIntentId}_secret_leak`);
  return { paymentIntentId, back: `${back.pathname}${back.search}` };
}

describe('calls to Stripe from the plan page', () => {
  it('cancelling and resuming Pro count among 20 calls an hour, and the page goes on', async () => {
    const ada = await new Guest(await proCustomer(money)).enter();
    // Subscribing was the first call.
    for (let n = 0; n < 9; n++) {
      expect((await ada.send('/billing/plan/cancel', { when: 'period_end' })).status).toBe(303);
      expect((await ada.send('/billing/plan/resume')).status).toBe(303);
    }
    expect((await ada.send('/billing/plan/cancel', { when: 'period_end' })).status).toBe(303);
    for (const path of ['/billing/plan/cancel', '/billing/plan/resume']) {
      const { status, text } = await ada.send(path, { when: 'period_end' });
      expect([path, status, text]).toEqual([path, 429, expect.stringContaining('Try again in 60 minutes')]);
    }
    expect((await ada.get('/billing/plan')).status).toBe(200);
  });
});

describe('the plan on the page', () => {
  it('Pro is bought with a card that needs no approval, cancelled, resumed and ended at once', async () => {
    const ada = await guest(await money.newCard());
    expect((await ada.get('/billing/plan')).text).toContain('Subscribe for $599.00 a month');
    const bought = await ada.send('/billing/plan/subscribe');
    expect([bought.status, bought.location]).toEqual([303, '/billing/plan?done=subscribed']);
    const { text } = await ada.get('/billing/plan?done=subscribed');
    expect(text).toContain('You are on Pro.');
    expect(text).toContain('$15.00');

    const asked = await ada.get('/billing/plan/cancel?when=period_end');
    expect(asked.text).toMatch(/Pro ends on .*and is not renewed\. There is no refund\./s);
    expect(asked.text).toContain('$29.00');
    const cancelled = await ada.send('/billing/plan/cancel', { when: 'period_end' });
    expect(cancelled.location).toBe('/billing/plan?done=cancelled');
    expect((await ada.get('/billing/plan?done=cancelled')).text).toContain('Keep Pro');
    expect((await ada.send('/billing/plan/resume')).location).toBe('/billing/plan?done=resumed');
    expect((await headOf(money.deps, ada.customer.customerId)).subscription?.cancelAtPeriodEnd).toBe(false);

    expect((await ada.get('/billing/plan/cancel?when=now')).text).toContain('There is no refund');
    expect((await ada.send('/billing/plan/cancel', { when: 'now' })).location).toBe(
      '/billing/plan?done=ended',
    );
    expect((await ada.get('/billing/plan?done=ended')).text).toContain('Pro has ended. Your credits stay.');
    const resumed = await ada.send('/billing/plan/resume');
    expect([resumed.status, resumed.text]).toEqual([422, expect.stringContaining('Pro has ended.')]);
    expect(atStripe(money, ada.customer.customerId).subscriptions).toHaveLength(1);
  });

  it('without a card, the page links to the card page and shows no untrue note', async () => {
    const ada = await guest();
    const { text } = await ada.get('/billing/plan?done=subscribed');
    expect(text).toContain('<a href="/billing/card">Add a card</a>');
    expect(text).not.toContain('You are on Pro.');
    expect((await ada.send('/billing/plan/subscribe')).status).toBe(422);
  });

  it('Pro is not bought for more than the button said', async () => {
    const ada = await guest(await money.newCard());
    for (const [cents, words] of [
      ['59899', 'Pro costs $599.00 a month now. Nothing was charged.'],
      ['', 'out of date. Nothing was charged.'],
    ] as const) {
      const refused = await ada.send('/billing/plan/subscribe', { cents });
      expect([refused.status, refused.text]).toEqual([422, expect.stringContaining(words)]);
    }
    expect(atStripe(money, ada.customer.customerId).subscriptions).toEqual([]);
    expect(await readOrder(money.deps.table, ada.customer.customerId)).toBeNull();
  });

  it('a form without its token changes nothing', async () => {
    const ada = await guest(await money.newCard());
    for (const path of ['/billing/plan/subscribe', '/billing/plan/cancel', '/billing/approve']) {
      expect((await ada.visitor.post(path, { form_token: 'a'.repeat(64) })).status).toBe(403);
    }
    expect(atStripe(money, ada.customer.customerId).subscriptions).toEqual([]);
  });

  it('if the card is declined for a renewal, the page links to the invoice', async () => {
    const pro = await proCustomer(money);
    const ada = await new Guest(pro).enter();
    const { id } = atStripe(money, pro.customerId);
    await putDefault(money, id, await attachedCard(money, id, 'pm_card_chargeCustomerFail'));
    await money.days(32);
    await money.deliver(eventsAbout(money, pro.customerId));
    const page = await ada.get('/billing/plan');
    expect(page.text).toContain('<button>Pay $599.00</button>');
    const cents = hiddenField(page, 'cents');
    const failed = await ada.send('/billing/plan/pay-renewal', { cents });
    expect(failed.status).toBe(422);
    expect(failed.text).toMatch(/declined.*<a href="http[^"]*\/invoice_pages\/in_/s);
    await putDefault(money, id, await attachedCard(money, id));
    await syncAccount(money.deps, pro.customerId);
    for (const [less, words] of [
      ['59899', 'costs $599.00 now. Nothing was charged.'],
      ['', 'out of date. Nothing was charged.'],
    ] as const) {
      const refused = await ada.send('/billing/plan/pay-renewal', { cents: less });
      expect([refused.status, refused.text]).toEqual([422, expect.stringContaining(words)]);
    }
    expect((await ada.send('/billing/plan/pay-renewal', { cents })).location).toBe('/billing/plan?done=paid');
    expect((await ada.get('/billing/plan?done=paid')).text).toContain('The renewal is paid.');
  });

  it('the page pays a renewal that Stripe has given up collecting, or links to its invoice', async () => {
    const pro = await proCustomer(money);
    const ada = await new Guest(pro).enter();
    const { id } = atStripe(money, pro.customerId);
    await putDefault(money, id, await attachedCard(money, id, 'pm_card_chargeCustomerFail'));
    await money.days(32);
    const open = atStripe(money, pro.customerId).invoices.find(({ status }) => status === 'open');
    await money.stripe.invoices.markUncollectible(open?.id ?? '');
    await money.deliver(eventsAbout(money, pro.customerId));
    const page = await ada.get('/billing/plan');
    const cents = hiddenField(page, 'cents');
    const failed = await ada.send('/billing/plan/pay-renewal', { cents });
    expect([failed.status, failed.text]).toEqual([
      422,
      expect.stringContaining(`/invoice_pages/${open?.id}`),
    ]);
    await putDefault(money, id, await attachedCard(money, id));
    await syncAccount(money.deps, pro.customerId);
    expect((await ada.send('/billing/plan/pay-renewal', { cents })).location).toBe('/billing/plan?done=paid');
  });

  it('while a renewal cannot be paid, the page says what helps', async () => {
    const pro = await proCustomer(money);
    const ada = await new Guest(pro).enter();
    const { id } = atStripe(money, pro.customerId);
    await putDefault(money, id, await attachedCard(money, id, 'pm_card_chargeCustomerFail'));
    await money.days(32);
    const { invoices, subscriptions } = atStripe(money, pro.customerId);
    await money.stripe.subscriptions.update(subscriptions[0]?.id ?? '', {
      pause_collection: { behavior: 'keep_as_draft' },
    });
    await money.deliver(eventsAbout(money, pro.customerId));
    const way = '<a href="/billing/plan/cancel?when=now">cancel Pro now</a> and subscribe again';
    const paused = (await ada.get('/billing/plan')).text;
    expect([paused, paused]).toEqual([
      expect.stringContaining('No card is charged for this subscription just now.'),
      expect.stringContaining(way),
    ]);
    await money.stripe.subscriptions.update(subscriptions[0]?.id ?? '', { pause_collection: '' });
    await money.stripe.invoices.voidInvoice(invoices.find(({ status }) => status === 'open')?.id ?? '');
    await syncAccount(money.deps, pro.customerId);
    const without = (await ada.get('/billing/plan')).text;
    expect([without, without]).toEqual([
      expect.stringContaining('Stripe names no open invoice just now.'),
      expect.stringContaining(way),
    ]);
  });
});

describe('Pro with a card whose bank asks for approval', () => {
  it('the browser goes to the bank, and its return records the outcome, even without a session', async () => {
    await redirecting('redirect_to_url');
    const ada = await guest(ASKS);
    const { customerId } = ada.customer;
    const asked = await ada.send('/billing/plan/subscribe');
    expect([asked.status, asked.location]).toEqual([303, expect.stringMatching(/\/authenticate\/pi_/)]);
    expect(String(asked.headers['Content-Security-Policy'])).toMatch(
      /form-action 'self' \S+stripe\.com http:/,
    );
    expect((await ada.get('/billing/plan')).text).toContain('Continue to your bank');
    expect((await ada.send('/billing/plan/subscribe')).location).toBe(asked.location);

    const { paymentIntentId, back } = bankOf(asked);
    await authenticate(paymentIntentId);
    const { result, lines } = await heard(() => new Visitor().get(back));
    expect([result.status, result.text]).toEqual([200, expect.stringContaining('See the outcome')]);
    expect(result.text).not.toContain('Acme');
    expect(lines.join('\n')).not.toContain('secret');
    expect((await headOf(money.deps, customerId)).balance).toBeGreaterThanOrEqual(65);
    expect((await readOrder(money.deps.table, customerId))?.state).toBe('done');
    const again = await ada.get(back);
    expect([again.status, again.location]).toEqual([303, '/billing/plan?done=subscribed']);
    expect((await ada.get('/billing/plan?done=subscribed')).text).toContain('You are on Pro.');
  });

  it('a refused approval ends the order, and the page offers Pro again', async () => {
    await redirecting('redirect_to_url');
    const ada = await guest(ASKS);
    const { paymentIntentId, back } = bankOf(await ada.send('/billing/plan/subscribe'));
    await authenticate(paymentIntentId, false);
    expect((await ada.get(back)).status).toBe(303);
    const page = await ada.get('/billing/plan?done=subscribed');
    expect(page.text).toContain('Subscribe for');
    expect(page.text).not.toContain('You are on Pro.');
    expect(atStripe(money, ada.customer.customerId).paid).toEqual([]);
  });

  it("if only Stripe's script can show the bank's page, one page runs it, and no other does", async () => {
    await redirecting('use_stripe_sdk');
    const ada = await guest(ASKS);
    const asked = await ada.send('/billing/plan/subscribe');
    expect(asked.location).toBe('/billing/approve/script');
    const { text, headers } = await ada.get('/billing/approve/script');
    expect(text).toContain('data-key="pk_test_page"');
    expect(text).toMatch(/<script src="http[^"]*\/stripe\.js"><\/script>/);
    expect(text).toMatch(/\/invoice_pages\/in_/);
    const policy = String(headers['Content-Security-Policy']);
    expect(policy).toMatch(/script-src http:\S+ 'sha256-\S+'; connect-src http:\S+; frame-src http:\S+$/);
    expect(policy).not.toContain('unsafe');
    expect(headers['Cross-Origin-Embedder-Policy']).toBe('unsafe-none');
    expect(String((await ada.get('/billing/plan')).headers['Content-Security-Policy'])).not.toContain(
      'script',
    );
    expect((await new Visitor().get('/billing/approve/script')).location).toBe('/billing/sign-in');

    process.env['STRIPE_PUBLISHABLE_KEY'] = '';
    const other = await ada.get('/billing/approve/script');
    expect(other.text).not.toContain('<script');
    expect(other.text).toMatch(/\/invoice_pages\/in_/);
    process.env['STRIPE_PUBLISHABLE_KEY'] = 'pk_test_page';
  });

  it('a made-up return address changes nothing and shows nothing about the account', async () => {
    const ada = await guest(ASKS);
    const { customerId } = ada.customer;
    await ada.send('/billing/plan/subscribe');
    const before = await headOf(money.deps, customerId);
    const made = [
      `customer=${customerId}&redirect_status=succeeded`,
      `customer=${customerId}&fix=nonsense&redirect_status=succeeded`,
      `customer=${'0'.repeat(32)}`,
      'customer=../..&fix=%3Cscript%3E',
      '',
    ];
    const texts = new Set<string>();
    for (const query of made) texts.add((await new Visitor().get(`/billing/plan/return?${query}`)).text);
    expect(texts.size).toBe(1);
    expect(await headOf(money.deps, customerId)).toEqual(before);
    expect((await readOrder(money.deps.table, customerId))?.state).toBe('awaiting_approval');
  });
});

describe('the approval of a payment for a fix', () => {
  async function asked() {
    const customer = await customerOutOfCredits(money, ASKS);
    const fix = await recorded(customer.apiKey, 7);
    expect((await bill(customer.apiKey, fix)).body).toMatchObject({ code: 'authentication_required' });
    const ada = await new Guest(customer).enter();
    const { customerId } = customer;
    const charge = async () =>
      (await readOne(money.deps.table, keys.fix(customerId, fix.id), decodeFix))?.charge;
    return { ada, fix, charge, customerId };
  }

  it('a payment that waits for approval is listed, approved at the bank, and settled once', async () => {
    await redirecting('redirect_to_url');
    const { ada, fix, charge, customerId } = await asked();
    expect((await ada.get('/billing/approve')).text).toContain(`/billing/approve?fix=${fix.id}`);
    const page = await ada.get(`/billing/approve?fix=${fix.id}`);
    expect(page.text).toContain('$29.00');
    const sent = await ada.send('/billing/approve', { fix: fix.id });
    const { paymentIntentId, back } = bankOf(sent);
    expect(paymentIntentId).toBe((await charge())?.paymentIntentId);
    expect((await ada.send('/billing/approve', { fix: fix.id })).location).toBe(sent.location);
    await authenticate(paymentIntentId);
    expect((await ada.get(back)).location).toBe(`/billing/approve?fix=${fix.id}`);
    await ada.get(back);
    await money.deliver(eventsAbout(money, customerId));
    expect((await ada.get(`/billing/approve?fix=${fix.id}`)).text).toContain('<dd>Paid</dd>');
    expect(atStripe(money, customerId).paid).toEqual([2_900]);
    expect((await ada.get('/billing/approve')).text).toContain('None.');
  });

  it('a refused approval leaves the fix unpaid', async () => {
    await redirecting('redirect_to_url');
    const { ada, fix, charge, customerId } = await asked();
    const { paymentIntentId, back } = bankOf(await ada.send('/billing/approve', { fix: fix.id }));
    await authenticate(paymentIntentId, false);
    await ada.get(back);
    expect((await charge())?.state).toBe('declined');
    expect((await ada.get(`/billing/approve?fix=${fix.id}`)).text).toContain('Not paid');
    expect(atStripe(money, customerId).payments).toHaveLength(1);
  });

  it('credits that arrive in the meantime pay for the fix, and the payment is cancelled', async () => {
    const { ada, fix, customerId } = await asked();
    await leaveCredits(money, customerId, 2);
    expect((await ada.send('/billing/approve', { fix: fix.id })).location).toContain('/billing/approve?fix=');
    expect((await ada.get(`/billing/approve?fix=${fix.id}`)).text).toContain('Paid with a credit');
    expect(atStripe(money, customerId).payments.map(({ status }) => status)).toEqual(['canceled']);
  });

  it('after a change of card, the payment with the old card can no longer be approved', async () => {
    const { ada, fix, customerId } = await asked();
    const { id } = atStripe(money, customerId);
    await putDefault(money, id, await attachedCard(money, id));
    const { status, text } = await ada.send('/billing/approve', { fix: fix.id });
    expect([status, text]).toEqual([422, expect.stringContaining('Your card has changed')]);
    expect(atStripe(money, customerId).paid).toEqual([]);
  });

  it("neither another customer's fix nor one that does not exist is found", async () => {
    const { fix } = await asked();
    const mallory = await guest();
    for (const id of [fix.id, 'nonsense']) {
      expect((await mallory.get(`/billing/approve?fix=${id}`)).status).toBe(404);
      expect((await mallory.send('/billing/approve', { fix: id })).location).toContain('/billing/approve');
    }
  });
});
