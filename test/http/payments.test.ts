import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { keys } from '../../lib/store/keys.ts';
import { decodeDoublePayment } from '../../lib/store/payments/double-payments.ts';
import { readTogether } from '../../lib/store/table.ts';
import { fixMetadata } from '../../lib/stripe/readers/payments.ts';
import { uniqueEmail } from '../support/fixtures.ts';
import { type Answer, api, call, fixBody, type SignedUp } from '../support/http.ts';
import {
  addCard,
  atStripe,
  bill,
  cancel,
  changesAtStripe,
  customerOutOfCredits,
  deliverAbout,
  eventsAbout,
  leaveCredits,
  proCustomer,
  recorded,
  serveMoney,
  subscribe,
  usage,
} from '../support/http-money.ts';
import { expectSoundMoney, headOf, type Money } from '../support/money.ts';

/* Fixes of customers without credits: the charge of the card on file, and what happens if there is none. */

let money: Money;
beforeAll(async () => {
  const served = await serveMoney();
  money = served.money;
  return served.stop;
});

const paidAtStripe = ({ customerId }: SignedUp) => atStripe(money, customerId).paid;
const CHARGED = { billing_status: 'billed', outcome: 'charged_and_consumed', credit_balance: 0 };

async function fixStatus({ apiKey }: SignedUp, prNumber: number): Promise<unknown> {
  const query = { github_org: 'acme', repo_name: 'webshop', pr_number: String(prNumber) };
  return (await call(api.findFixAttempt, { apiKey, query })).body['billing_status'];
}

/** A Pro customer without credits whose renewal failed. `finallyState` is the state in which dunning ends. */
async function afterFailedRenewal(finallyState: 'canceled' | 'unpaid' | null): Promise<SignedUp> {
  if (finallyState !== null) {
    await money.control('dunning', { retryAfterDays: [1], finally: finallyState });
  }
  const customer = await proCustomer(money);
  await addCard(customer.apiKey, 'pm_card_chargeCustomerFail');
  await leaveCredits(money, customer.customerId, 0);
  await money.days(finallyState === null ? 32 : 34);
  await money.control('dunning', { retryAfterDays: [3, 5, 7], finally: 'canceled' });
  await deliverAbout(money, customer.customerId);
  return customer;
}

describe('a fix without credits', () => {
  it('a fix without credits costs $29.00 as you go: one credit is bought and consumed', async () => {
    const customer = await customerOutOfCredits(money);
    const { status, body } = await bill(customer.apiKey, await recorded(customer.apiKey, 1));
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...CHARGED, message: 'Billed', amount_cents: 2_900 });
    expect(paidAtStripe(customer)).toEqual([2_900]);
    const { entries } = await expectSoundMoney(money, customer.customerId);
    expect(entries.slice(-2).map(({ source, amount }) => [source, amount])).toEqual([
      ['purchased', 1],
      ['fix_deployed', -1],
    ]);
  });

  it('a fix without credits costs $15.00 on Pro', async () => {
    const customer = await proCustomer(money);
    await leaveCredits(money, customer.customerId, 0);
    const { body } = await bill(customer.apiKey, await recorded(customer.apiKey, 1));
    expect(body).toMatchObject({ ...CHARGED, amount_cents: 1_500 });
    expect(paidAtStripe(customer)).toEqual([1_500, 59_900]);
    await expectSoundMoney(money, customer.customerId);
  });

  it('a fix without credits costs $15.00 while the renewal is past due, and the customer is warned', async () => {
    const customer = await afterFailedRenewal(null);
    const { subscription_state: state, subscription_type: type, warnings } = await usage(customer.apiKey);
    expect([type, state]).toEqual(['pro', 'past_due']);
    expect(warnings).toEqual([
      { code: 'no_credits', message: expect.stringContaining('the card was declined') },
      { code: 'past_due', message: expect.any(String) },
      { code: 'card_declined', message: expect.stringContaining('Add another card') },
    ]);
    const { id } = atStripe(money, customer.customerId);
    const good = await money.stripe.paymentMethods.attach(await money.newCard(), { customer: id });
    await money.stripe.customers.update(id, { invoice_settings: { default_payment_method: good.id } });
    const { body } = await bill(customer.apiKey, await recorded(customer.apiKey, 1));
    expect(body).toMatchObject({ ...CHARGED, amount_cents: 1_500 });
    const added = await addCard(customer.apiKey, await money.newCard());
    expect(added.body).toMatchObject({ renewal: 'paid', credit_balance: 60 });
    expect(await usage(customer.apiKey)).toMatchObject({ subscription_state: 'active' });
  });

  it.each(['canceled', 'unpaid'] as const)(
    'a fix without credits costs $29.00 once the renewal ended as %s',
    async (state) => {
      const customer = await afterFailedRenewal(state);
      const before = await usage(customer.apiKey);
      expect(before).toMatchObject({ subscription_type: 'pay_as_you_go', subscription_state: state });
      expect(JSON.stringify(before['warnings'])).not.toContain('past_due');
      await addCard(customer.apiKey, await money.newCard());
      const { body } = await bill(customer.apiKey, await recorded(customer.apiKey, 1));
      expect(body).toMatchObject({ ...CHARGED, amount_cents: 2_900 });
      expect(paidAtStripe(customer)).toEqual([2_900, 59_900]);
    },
  );

  it('a fix without credits costs $29.00 if a subscription was never paid and expired', async () => {
    const customer = await customerOutOfCredits(money);
    await money.stripe.subscriptions.create({
      customer: atStripe(money, customer.customerId).id,
      items: [{ price: money.priceId }],
      payment_behavior: 'default_incomplete',
    });
    await money.days(1);
    await deliverAbout(money, customer.customerId);
    expect(await usage(customer.apiKey)).toMatchObject({
      subscription_type: 'pay_as_you_go',
      subscription_state: 'incomplete_expired',
    });
    const { body } = await bill(customer.apiKey, await recorded(customer.apiKey, 1));
    expect(body).toMatchObject({ ...CHARGED, amount_cents: 2_900 });
  });

  it('a fix billed ten times concurrently is one charge and ten times 200, and one of them billed it', async () => {
    const customer = await customerOutOfCredits(money);
    const fix = await recorded(customer.apiKey, 1);
    const answers = await Promise.all(Array.from({ length: 10 }, () => bill(customer.apiKey, fix)));
    for (const { status, body, text } of answers) {
      expect(status, text).toBe(200);
      expect(body).toMatchObject({ ...CHARGED, amount_cents: 2_900 });
    }
    expect(answers.filter(({ body }) => body['message'] === 'Billed')).toHaveLength(1);
    expect(paidAtStripe(customer)).toEqual([2_900]);
    await expectSoundMoney(money, customer.customerId);
  });

  it('a fix is charged once, also when its event arrives before, after and again', async () => {
    const customer = await customerOutOfCredits(money);
    const fix = await recorded(customer.apiKey, 1);
    await bill(customer.apiKey, fix);
    await deliverAbout(money, customer.customerId);
    await deliverAbout(money, customer.customerId);
    expect((await bill(customer.apiKey, fix)).body).toMatchObject({ ...CHARGED, message: 'Already billed' });
    expect(paidAtStripe(customer)).toEqual([2_900]);
    await expectSoundMoney(money, customer.customerId);
  });

  it('a fix without a card is blocked: 402 no_billing_info, and no call to Stripe', async () => {
    const customer = await customerOutOfCredits(money);
    const { id } = atStripe(money, customer.customerId);
    const [card] = (await money.stripe.customers.listPaymentMethods(id)).data;
    await money.stripe.paymentMethods.detach(String(card?.id));
    await deliverAbout(money, customer.customerId);
    const fix = await recorded(customer.apiKey, 1);
    const changes = await changesAtStripe(money, async () => {
      const { status, body } = await bill(customer.apiKey, fix);
      expect(status).toBe(402);
      expect(body).toMatchObject({ code: 'no_billing_info', credit_balance: 0 });
    });
    expect(changes).toEqual([]);
    expect(await fixStatus(customer, 1)).toBe('not_billed');
  });
});

describe('a card that declines', () => {
  it('a declining card is 402 with the decline code and writes no entry; it is not tried again before the wait is over', async () => {
    const customer = await customerOutOfCredits(money, 'pm_card_chargeCustomerFail');
    const { seq } = await headOf(money.deps, customer.customerId);
    const fix = await recorded(customer.apiKey, 1);
    for (const retryAfter of [undefined, expect.stringMatching(/^3[56]\d\d$/)]) {
      const { status, body, headers } = await bill(customer.apiKey, fix);
      expect(status).toBe(402);
      expect(body).toMatchObject({
        code: 'card_declined',
        decline_code: 'generic_decline',
        credit_balance: 0,
      });
      expect(headers['retry-after']).toEqual(retryAfter);
      expect(body).not.toHaveProperty('payment_intent');
      expect(await fixStatus(customer, 1)).toBe('not_billed');
    }
    expect((await headOf(money.deps, customer.customerId)).seq).toBe(seq);
    const states = () => atStripe(money, customer.customerId).payments.map(({ status }) => status);
    expect(states()).toEqual(['canceled']);

    await addCard(customer.apiKey, await money.newCard());
    await leaveCredits(money, customer.customerId, 0);
    expect((await bill(customer.apiKey, fix)).body).toMatchObject(CHARGED);
    expect(states()).toEqual(['succeeded', 'canceled']);
    await expectSoundMoney(money, customer.customerId);
  });

  it('a declining card does not prevent paying with a new credit; the payment is cancelled first', async () => {
    const customer = await customerOutOfCredits(money, 'pm_card_chargeCustomerFail');
    const fix = await recorded(customer.apiKey, 1);
    await bill(customer.apiKey, fix);
    await leaveCredits(money, customer.customerId, 1);
    expect((await bill(customer.apiKey, fix)).body).toMatchObject({
      outcome: 'credit_consumed',
      amount_cents: 0,
    });
    expect(atStripe(money, customer.customerId).payments).toMatchObject([{ status: 'canceled' }]);
  });
});

describe('a card whose bank asks for the cardholder', () => {
  async function asked(): Promise<{ customer: SignedUp; fix: { id: string }; intentId: string }> {
    const customer = await customerOutOfCredits(money, 'pm_card_authenticationRequired');
    const fix = await recorded(customer.apiKey, 1);
    const { status, body } = await bill(customer.apiKey, fix);
    expect(status).toBe(402);
    const [intent] = atStripe(money, customer.customerId).payments;
    expect(body).toMatchObject({
      code: 'authentication_required',
      credit_balance: 0,
      payment_intent: { id: intent?.id, client_secret: intent?.client_secret },
    });
    return { customer, fix, intentId: String(intent?.id) };
  }

  const intentIds = ({ customerId }: SignedUp) => atStripe(money, customerId).payments.map(({ id }) => id);

  it('a card whose bank asks for the cardholder has the same payment however often the call is repeated', async () => {
    const { customer, fix, intentId } = await asked();
    const answers = await Promise.all([1, 2, 3].map(() => bill(customer.apiKey, fix)));
    for (const { status, body } of answers) {
      expect(status).toBe(402);
      expect(body).toMatchObject({ code: 'authentication_required', payment_intent: { id: intentId } });
    }
    await deliverAbout(money, customer.customerId);
    expect((await bill(customer.apiKey, fix)).status).toBe(402);
    expect(intentIds(customer)).toEqual([intentId]);
    expect(await fixStatus(customer, 1)).toBe('not_billed');
  });

  it('a confirmed payment pays the fix as soon as the event arrives', async () => {
    const { customer, fix, intentId } = await asked();
    await money.control(`payment_intents/${intentId}/authenticate`, { succeeds: true });
    expect(await fixStatus(customer, 1)).toBe('not_billed');
    await deliverAbout(money, customer.customerId);
    expect(await fixStatus(customer, 1)).toBe('billed');
    const { status, body } = await bill(customer.apiKey, fix);
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...CHARGED, message: 'Already billed', amount_cents: 2_900 });
    expect(intentIds(customer)).toEqual([intentId]);
    expect(paidAtStripe(customer)).toEqual([2_900]);
    await expectSoundMoney(money, customer.customerId);
  });

  it('a confirmed payment pays the fix even if the call is repeated before the event arrives', async () => {
    const { customer, fix, intentId } = await asked();
    await money.control(`payment_intents/${intentId}/authenticate`, { succeeds: true });
    expect((await bill(customer.apiKey, fix)).body).toMatchObject(CHARGED);
    await deliverAbout(money, customer.customerId);
    expect(intentIds(customer)).toEqual([intentId]);
    await expectSoundMoney(money, customer.customerId);
  });

  it('a failed confirmation is a decline, and the next call a new attempt', async () => {
    const { customer, fix, intentId } = await asked();
    await money.control(`payment_intents/${intentId}/authenticate`, { succeeds: false });
    await deliverAbout(money, customer.customerId);
    const { status, body } = await bill(customer.apiKey, fix);
    expect(status).toBe(402);
    expect(body).toMatchObject({ code: 'authentication_required' });
    const [second, ...others] = atStripe(money, customer.customerId).payments;
    expect(second?.id).not.toBe(intentId);
    expect(others).toMatchObject([{ id: intentId, status: 'canceled' }]);
  });

  it('another card is another attempt that is paid; the first payment is cancelled and cannot be paid', async () => {
    const { customer, fix, intentId } = await asked();
    await addCard(customer.apiKey, await money.newCard());
    await leaveCredits(money, customer.customerId, 0);
    expect((await bill(customer.apiKey, fix)).body).toMatchObject({ ...CHARGED, amount_cents: 2_900 });
    const states = atStripe(money, customer.customerId).payments.map(({ status }) => status);
    expect(states).toEqual(['succeeded', 'canceled']);
    await expect(
      money.control(`payment_intents/${intentId}/authenticate`, { succeeds: true }),
    ).rejects.toThrow(/canceled/);
    await expect(money.stripe.paymentIntents.confirm(intentId)).rejects.toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
    await deliverAbout(money, customer.customerId);
    expect(paidAtStripe(customer)).toEqual([2_900]);
    await expectSoundMoney(money, customer.customerId);
  });

  it('a payment confirmed just before another card would be charged has paid: the other card is not charged', async () => {
    const { customer, fix, intentId } = await asked();
    await addCard(customer.apiKey, await money.newCard());
    await leaveCredits(money, customer.customerId, 0);
    await money.control(`payment_intents/${intentId}/authenticate`, { succeeds: true });
    expect((await bill(customer.apiKey, fix)).body).toMatchObject(CHARGED);
    expect(intentIds(customer)).toEqual([intentId]);
    await expectSoundMoney(money, customer.customerId);
  });
});

describe('a second payment of a fix that was paid', () => {
  /** Charges with our metadata, but not through the service, as a defect or a stolen key could. */
  async function payAgain(customer: SignedUp, fixId: string): Promise<string> {
    const { customers } = atStripe(money, customer.customerId);
    const method = customers[0]?.invoice_settings.default_payment_method;
    const { id } = await money.stripe.paymentIntents.create({
      amount: 2_900,
      currency: 'usd',
      customer: String(customers[0]?.id),
      payment_method: String(method),
      off_session: true,
      confirm: true,
      allowed_payment_method_types: ['card'],
      metadata: fixMetadata({ customerId: customer.customerId, fixAttemptId: fixId, attempt: 2 }),
    });
    return id;
  }

  it.each([
    ['a card', 0, 'charged_and_consumed'],
    ['a credit', 1, 'credit_consumed'],
  ])('a second payment of a fix by %s is returned at once, and recorded', async (_name, credits, outcome) => {
    const customer = await customerOutOfCredits(money);
    await leaveCredits(money, customer.customerId, credits);
    const fix = await recorded(customer.apiKey, 1);
    expect((await bill(customer.apiKey, fix)).body).toMatchObject({ outcome });
    const { seq } = await headOf(money.deps, customer.customerId);

    const second = await payAgain(customer, fix.id);
    for (let n = 0; n < 2; n++) await deliverAbout(money, customer.customerId);
    const { refunds } = atStripe(money, customer.customerId);
    expect(refunds).toMatchObject([{ payment_intent: second, amount: 2_900, status: 'succeeded' }]);
    const [item] = await readTogether(money.deps.table, [
      keys.once(customer.customerId, 'double_payment', second),
    ]);
    expect(item && decodeDoublePayment(item)).toMatchObject({
      state: 'returned',
      attempt: 1,
      fixAttemptId: fix.id,
      paymentIntentId: second,
      amountCents: 2_900,
      refundId: refunds[0]?.id,
    });
    // The refund of an uncounted payment is not a refund of the fix.
    expect(await fixStatus(customer, 1)).toBe('billed');
    expect((await headOf(money.deps, customer.customerId)).seq).toBe(seq);
    await expectSoundMoney(money, customer.customerId);
  });
});

describe('what is said and logged', () => {
  it('responses and logs hold no client secret except for the cardholder, no key, no signing secret, no address and no card', async () => {
    const webhookSecret = `whsec_${randomBytes(16).toString('hex')}`;
    process.env['STRIPE_WEBHOOK_SECRETS'] = webhookSecret;
    const logged: string[] = [];
    const capture = (...args: unknown[]) => void logged.push(args.map(String).join(' '));
    const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
      vi.spyOn(console, method).mockImplementation(capture),
    );
    const email = uniqueEmail();
    const answers: Answer[] = [];
    const say = async (answer: Promise<Answer>) => {
      answers.push(await answer);
      return answers.at(-1)?.body ?? {};
    };

    const signedUp = await call(api.onboardCustomer, { body: { name: 'Acme', email } });
    const apiKey = String(signedUp.body['api_key']);
    const customerId = apiKey.split('_')[1] ?? '';
    const card = await money.newCard();
    await say(addCard(apiKey, card));
    await say(subscribe(apiKey));
    await say(cancel(apiKey));
    await say(addCard(apiKey, 'pm_card_visa_chargeDeclined'));
    await say(addCard(apiKey, 'pm_1QkZ2eLx7cVb9NmA'));
    await leaveCredits(money, customerId, 0);
    const fix = async (pr: number) => ({ id: String((await say(record(pr)))['id']) });
    const record = (pr: number) => call(api.recordFixAttempt, { apiKey, body: fixBody(pr) });
    await say(bill(apiKey, await fix(1)));
    await say(addCard(apiKey, 'pm_card_authenticationRequired'));
    const asked = await bill(apiKey, await fix(2));
    await say(addCard(apiKey, 'pm_card_chargeCustomerFail'));
    await say(bill(apiKey, await fix(2)));
    await money.control('faults', {
      method: 'POST',
      path: '/v1/payment_methods/**',
      kind: '500_before',
      times: 9,
    });
    await say(addCard(apiKey, card));
    await money.control('faults/clear');
    await say(call(api.getUsage, { apiKey }));
    await say(call(api.listTransactions, { apiKey }));
    for (const event of eventsAbout(money, customerId)) {
      const rawBody = JSON.stringify(event);
      const signature = money.stripe.webhooks.generateTestHeaderString({
        payload: rawBody,
        secret: webhookSecret,
      });
      await say(call(api.stripeWebhook, { rawBody, headers: { 'stripe-signature': signature } }));
    }
    for (const spy of spies) spy.mockRestore();

    expect(answers.map(({ status }) => status).slice(0, 14)).toEqual([
      200, 201, 200, 402, 422, 201, 200, 200, 201, 200, 200, 402, 503, 200,
    ]);
    const { payments } = atStripe(money, customerId);
    const clientSecrets = payments.map((payment) => String(payment.client_secret));
    expect(clientSecrets.length).toBeGreaterThanOrEqual(4);
    expect(clientSecrets.some((secret) => asked.text.includes(secret))).toBe(true);
    const fingerprint = String(money.double.state.paymentMethods.find(card)?.card?.fingerprint);
    const forbidden = [
      ...clientSecrets,
      money.env['STRIPE_SECRET_KEY'] ?? '',
      webhookSecret,
      apiKey,
      email,
      fingerprint,
      'last4',
      'exp_year',
    ];
    // The events contain such data, so the search below could find it.
    const told = JSON.stringify(eventsAbout(money, customerId));
    expect(told).toContain(clientSecrets[0]);
    expect(told).toContain('exp_year');
    expect(told).toContain(email);
    const said = answers.map(({ text }) => text).join('\n');
    const log = [...logged, asked.text.replace(/"client_secret":"[^"]+"/, '')].join('\n');
    expect(logged.length).toBeGreaterThan(answers.length);
    expect(forbidden.filter((secret) => said.includes(secret))).toEqual([]);
    expect(forbidden.filter((secret) => log.includes(secret))).toEqual([]);
  });
});
