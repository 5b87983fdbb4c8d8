import { describe, expect, it } from 'vitest';
import { type Bench, bench, customerWith, monthlyPrice, offSession, subscribe } from './support.ts';

const read = async (url: string): Promise<string> => (await fetch(url)).text();

/** Submits the form with this button and these inputs, as a browser does. */
async function submit(
  { running }: Bench,
  page: string,
  label: string,
  typed: Record<string, string> = {},
  origin = running.url,
): Promise<Response> {
  const forms = (await read(page)).split('<form ').slice(1);
  const form = forms.find((one) => one.includes(`<button>${label}</button>`)) ?? '';
  const [, action = ''] = /action="([^"]+)"/.exec(form) ?? [];
  const body = new URLSearchParams();
  for (const [, name = '', value = ''] of form.matchAll(
    /<input type="(?:hidden|text)" name="([^"]+)" value="([^"]*)"/g,
  )) {
    body.set(name, value.replaceAll('&quot;', '"'));
  }
  for (const [name, value] of Object.entries(typed)) body.set(`field.${name}`, value);
  return fetch(`${running.url}${action}`, { method: 'POST', headers: { origin }, body, redirect: 'manual' });
}

async function checkout(made: Bench) {
  const { id: customer } = await made.stripe.customers.create();
  const { id, url } = await made.stripe.checkout.sessions.create({
    mode: 'setup',
    customer,
    allowed_payment_method_types: ['card'],
    success_url: 'https://app.example/done',
    cancel_url: 'https://app.example/cancel',
  });
  const status = async () => (await made.stripe.checkout.sessions.retrieve(id)).status;
  return { id, customer, page: url ?? '', status };
}

const SAVE = 'Add the card';

describe('the page of a Checkout Session', () => {
  it('the Checkout page takes a test card, a name and an address, and returns to the merchant', async () => {
    const made = await bench();
    const { page, status, customer } = await checkout(made);
    expect(await read(page)).toContain('href="https://app.example/cancel"');
    const answer = await submit(made, page, SAVE, {
      card: 'mastercard',
      name: 'Ada',
      email: 'ada@x.example',
    });
    expect([answer.status, answer.headers.get('location')]).toEqual([
      303,
      expect.stringMatching(/^\/checkout\/cs_test_\w+\?done=\d+$/),
    ]);
    expect(await status()).toBe('complete');
    const [card] = (await made.stripe.customers.listPaymentMethods(customer)).data;
    expect(card).toMatchObject({ card: { brand: 'mastercard' }, billing_details: { name: 'Ada' } });
    const done = await read(page.replace(/\?.*/, ''));
    expect(done).toContain('href="https://app.example/done"');
  });

  it('the Checkout page says why a card is declined, and takes another card', async () => {
    const made = await bench();
    const { page, status } = await checkout(made);
    const declined = await submit(made, page, SAVE, { card: 'visa_chargeDeclined' });
    expect(declined.status).toBe(400);
    expect(await declined.text()).toContain('Your card was declined.');
    expect(await read(page)).toContain('Your card was declined.');
    await submit(made, page, SAVE, { card: 'visa' });
    expect(await status()).toBe('complete');
  });

  it('the Checkout page asks the cardholder if the card requires authentication', async () => {
    const made = await bench();
    const { page, status } = await checkout(made);
    await submit(made, page, SAVE, { card: 'authenticationRequired' });
    await submit(made, page, 'Fail the authentication');
    expect(await status()).toBe('open');
    await submit(made, page, SAVE, { card: 'authenticationRequired' });
    await submit(made, page, 'Confirm as the cardholder');
    expect(await status()).toBe('complete');
  });

  it('the state and the page of a session show the real address of the Checkout page', async () => {
    const made = await bench();
    const { id, page } = await checkout(made);
    const state = await read(`${made.running.url}/_double/state`);
    expect(JSON.parse(state).checkoutSessions[0].url).toBe(page);
    expect(await read(`${made.running.url}/objects/${id}`)).not.toContain('own-address.invalid');
  });

  it('the Checkout page accepts no form from another site', async () => {
    const made = await bench();
    const { page, status } = await checkout(made);
    const answer = await submit(made, page, SAVE, { card: 'visa' }, 'https://evil.example');
    expect([answer.status, await status()]).toEqual([403, 'open']);
  });

  it('the Checkout page has no script and a label for each field; an unknown session is 404', async () => {
    const made = await bench();
    const { page } = await checkout(made);
    const html = await read(page);
    expect(html).not.toContain('<script');
    expect(html.match(/<input type="text"/g)?.length).toBe(html.match(/<label>/g)?.length);
    expect((await fetch(`${made.running.url}/checkout/cs_test_x`)).status).toBe(404);
  });

  it('the Checkout page makes no link of an address that is not a web address', async () => {
    const made = await bench();
    const { url } = await made.stripe.checkout.sessions.create({
      mode: 'setup',
      currency: 'usd',
      success_url: 'https://app.example',
      cancel_url: 'javascript:alert(1)',
    });
    expect(await read(url ?? '')).not.toContain('href="javascript:');
  });
});

describe('the page of the customer portal', () => {
  it('the customer portal changes the default card, cancels at the end of the period and withdraws that', async () => {
    const made = await bench();
    const who = await customerWith(made.stripe);
    const price = await monthlyPrice(made.stripe);
    const { id } = await subscribe(made.stripe, who.customer, price.id);
    const { url: page } = await made.stripe.billingPortal.sessions.create({ customer: who.customer });
    await submit(made, page, 'Add the card', { card: 'mastercard' });
    const [added] = (await made.stripe.customers.listPaymentMethods(who.customer)).data;
    const customer = await made.stripe.customers.retrieve(who.customer);
    expect(customer).toMatchObject({ invoice_settings: { default_payment_method: added?.id } });
    await submit(made, page, 'Cancel at the end of the period');
    expect((await made.stripe.subscriptions.retrieve(id)).cancel_at).not.toBeNull();
    await submit(made, page, 'Keep it');
    expect((await made.stripe.subscriptions.retrieve(id)).cancel_at).toBeNull();
    await submit(made, page, 'Save', { email: 'new@customer.example' });
    expect(await made.stripe.customers.retrieve(who.customer)).toMatchObject({
      email: 'new@customer.example',
    });
  });
});

describe('the page of a bank', () => {
  it.each([
    ['Confirm as the cardholder', 'succeeded'],
    ['Fail the authentication', 'failed'],
  ])('the page of a bank: %s returns to the merchant with redirect_status=%s', async (label, status) => {
    const made = await bench();
    await made.control('switches', { next_action_with_return_url: 'redirect_to_url' });
    const who = await customerWith(made.stripe, 'pm_card_authenticationRequired');
    const { off_session: _, ...onSession } = offSession(who);
    const intent = await made.stripe.paymentIntents.create({
      ...onSession,
      return_url: 'https://app.example/back',
    });
    const page = intent.next_action?.redirect_to_url?.url ?? '';
    await submit(made, page, label);
    expect(await read(page)).toContain(
      `href="https://app.example/back?payment_intent=${intent.id}&amp;redirect_status=${status}"`,
    );
  });
});
