import { beforeAll, describe, expect, it } from 'vitest';
import { BILLING_CONSENT } from '../../lib/domain/evidence/billing-consent.ts';
import { readConsents } from '../../lib/store/evidence/consents.ts';
import { parseEvent } from '../../lib/stripe/event.ts';
import { api, call, type SignedUp, signUp } from '../support/http.ts';
import {
  addCard,
  atStripe,
  bill,
  changesAtStripe,
  deliverAbout,
  leaveCredits,
  proCustomer,
  recorded,
  serveMoney,
  usage,
} from '../support/http-money.ts';
import { expectSoundMoney, headOf, type Money } from '../support/money.ts';

let money: Money;
beforeAll(async () => {
  const served = await serveMoney();
  money = served.money;
  return served.stop;
});

const AS_SIGNED_UP = { credit_balance: 5, subscription_type: 'trial', has_payment_method: false };
const PAYS_AS_THEY_GO = { subscription_type: 'pay_as_you_go', has_payment_method: true };

const defaultCardOf = ({ customerId }: SignedUp) => {
  const [customer] = atStripe(money, customerId).customers;
  return customer?.invoice_settings.default_payment_method ?? null;
};

describe('the first card', () => {
  it('the first card grants 5 credits, 5 → 10, and becomes the card that Stripe charges', async () => {
    const customer = await signUp();
    const card = await money.newCard();
    const { status, body } = await addCard(customer.apiKey, card);
    expect(status).toBe(200);
    expect(body).toEqual({ ...PAYS_AS_THEY_GO, credit_balance: 10, bonus_credits: 5, renewal: 'none' });
    expect(await usage(customer.apiKey)).toMatchObject({ ...PAYS_AS_THEY_GO, credit_balance: 10 });
    expect(defaultCardOf(customer)).toBe(card);
    const { entries } = await expectSoundMoney(money, customer.customerId);
    expect(entries.map(({ source, amount }) => [source, amount])).toEqual([
      ['trial_signup', 5],
      ['trial_billing_added', 5],
    ]);
  });

  it('the first card sent twice, or concurrently, is one card and one bonus', async () => {
    const customer = await signUp();
    const card = await money.newCard();
    const answers = await Promise.all([1, 2, 3].map(() => addCard(customer.apiKey, card)));
    answers.push(await addCard(customer.apiKey, card));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const bonuses = answers.map(({ body }) => Number(body['bonus_credits']));
    expect(bonuses.toSorted()).toEqual([0, 0, 0, 5]);
    expect(await usage(customer.apiKey)).toMatchObject({ credit_balance: 10 });
    expect(atStripe(money, customer.customerId).customers).toHaveLength(1);
    await expectSoundMoney(money, customer.customerId);
  });
});

describe('the consent to be charged', () => {
  const consentsOf = (customerId: string) => readConsents(money.deps.table, customerId);

  it.each([
    ['missing', {}],
    ['denied', { billing_consent: false }],
    ['a text', { billing_consent: 'true' }],
  ])('a consent has its own code if it is %s, and nothing is sent to Stripe or stored', async (_, more) => {
    const { apiKey, customerId } = await signUp();
    const before = money.double.calls.all.length;
    const body = { payment_method_id: 'pm_card_visa', ...more };
    const answer = await call(api.addPaymentMethod, { apiKey, body });
    expect([answer.status, answer.body['code']]).toEqual([422, 'billing_consent_required']);
    expect(answer.body).toMatchObject({ errors: [{ field: 'billing_consent' }] });
    expect(money.double.calls.all).toHaveLength(before);
    expect(await usage(apiKey)).toMatchObject(AS_SIGNED_UP);
    expect(await consentsOf(customerId)).toEqual([]);
  });

  it('a consent is stored with the card: when, to which text, from where and with which key', async () => {
    const { apiKey, apiKeyId, customerId } = await signUp();
    const card = await money.newCard();
    const before = Date.now();
    const body = { payment_method_id: card, billing_consent: true };
    const headers = { 'user-agent': `checkout/1.0 ${apiKey} ${'x'.repeat(300)}` };
    await call(api.addPaymentMethod, { apiKey, body, headers, sourceIp: '2001:db8::7' });
    const [consent, ...more] = await consentsOf(customerId);
    expect(more).toEqual([]);
    expect(consent).toEqual({
      paymentMethodId: card,
      givenAt: expect.any(String),
      ...BILLING_CONSENT,
      sourceIp: '2001:db8::7',
      userAgent: expect.stringMatching(/^checkout\/1\.0 .{1,187}$/),
      by: { kind: 'api_key', keyId: apiKeyId },
    });
    if (consent === undefined || consent instanceof Error) throw new Error('no consent');
    expect(Date.parse(consent.givenAt)).toBeGreaterThanOrEqual(before);
    expect(consent.userAgent).not.toContain(apiKey);
  });

  it('a consent is stored for every added card, and none for a rejected card', async () => {
    const { apiKey, customerId } = await signUp();
    const cards = [await money.newCard(), await money.newCard()];
    for (const card of cards) expect((await addCard(apiKey, card)).status).toBe(200);
    expect((await addCard(apiKey, 'pm_1QkZ2eLx7cVb9NmA')).status).toBe(422);
    expect(await consentsOf(customerId)).toMatchObject(cards.map((card) => ({ paymentMethodId: card })));
  });
});

describe('what is no card', () => {
  const NUMBER = '4242424242424242';
  const CARD = { payment_method_id: 'pm_card_visa' };

  it.each([
    ['no card', { billing_consent: true }, 'payment_method_id'],
    ["a card's number", { payment_method_id: NUMBER, billing_consent: true }, 'payment_method_id'],
    ['a number after pm_', { payment_method_id: `pm ${NUMBER}`, billing_consent: true }, 'payment_method_id'],
    ['a path', { payment_method_id: 'pm_1/../../customers', billing_consent: true }, 'payment_method_id'],
    ['credits', { ...CARD, billing_consent: true, credit_balance: 100 }, 'credit_balance'],
    ['somebody else', { ...CARD, billing_consent: true, customer_id: 'c' }, 'customer_id'],
  ])('%s is 422 with the field; Stripe is not asked and nothing changes', async (_name, body, field) => {
    const { apiKey } = await signUp();
    const before = money.double.calls.all.length;
    const answer = await call(api.addPaymentMethod, { apiKey, body });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ field }] });
    expect(answer.text).not.toContain(NUMBER);
    expect(money.double.calls.all).toHaveLength(before);
    expect(await usage(apiKey)).toMatchObject(AS_SIGNED_UP);
  });
});

describe('a card that cannot be used', () => {
  it('an unknown, detached or foreign card gets the same response, and nothing is half done', async () => {
    const owner = await signUp();
    const theirs = await money.newCard();
    await addCard(owner.apiKey, theirs);
    const spent = await money.newCard();
    await money.stripe.paymentMethods.attach(spent, { customer: atStripe(money, owner.customerId).id });
    await money.stripe.paymentMethods.detach(spent);

    const customer = await signUp();
    const problems = [];
    for (const card of ['pm_1QkZ2eLx7cVb9NmA', theirs, spent]) {
      const { status, body } = await addCard(customer.apiKey, card);
      expect(status).toBe(422);
      const { request_id: _, ...problem } = body;
      problems.push(problem);
    }
    expect(problems[0]).toMatchObject({
      code: 'payment_method_invalid',
      errors: [{ field: 'payment_method_id' }],
    });
    expect(problems[1]).toEqual(problems[0]);
    expect(problems[2]).toEqual(problems[0]);
    expect(await usage(customer.apiKey)).toMatchObject(AS_SIGNED_UP);
    expect(defaultCardOf(customer)).toBeNull();
    expect(defaultCardOf(owner)).toBe(theirs);
    expect(await usage(owner.apiKey)).toMatchObject({ ...PAYS_AS_THEY_GO, credit_balance: 10 });

    expect((await addCard(customer.apiKey, await money.newCard())).body).toMatchObject({ bonus_credits: 5 });
    await expectSoundMoney(money, customer.customerId);
  });

  it.each([
    ['pm_card_visa_chargeDeclined', 'generic_decline'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
    ['pm_card_visa_chargeDeclinedStolenCard', 'stolen_card'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card'],
  ])('%s is 402 with the decline code %s; another card then earns the bonus', async (card, declineCode) => {
    const { apiKey, customerId } = await signUp();
    const { status, body } = await addCard(apiKey, card);
    expect(status).toBe(402);
    expect(body).toMatchObject({ code: 'card_declined', decline_code: declineCode });
    expect(await usage(apiKey)).toMatchObject(AS_SIGNED_UP);
    expect((await addCard(apiKey, await money.newCard())).body).toMatchObject({ bonus_credits: 5 });
    expect(atStripe(money, customerId).customers).toHaveLength(1);
  });

  it('a card that cannot be used does not replace the card on file', async () => {
    const customer = await signUp();
    const good = await money.newCard();
    await addCard(customer.apiKey, good);
    await addCard(customer.apiKey, 'pm_card_visa_chargeDeclined');
    await addCard(customer.apiKey, 'pm_1QkZ2eLx7cVb9NmA');
    expect(defaultCardOf(customer)).toBe(good);
    expect(await headOf(money.deps, customer.customerId)).toMatchObject({ paymentMethodId: good });
  });
});

describe('the bonus', () => {
  it('a customer earns the bonus once: a second card is charged from now on, and earns nothing', async () => {
    const customer = await signUp();
    await addCard(customer.apiKey, await money.newCard());
    const second = await money.newCard();
    const { body } = await addCard(customer.apiKey, second);
    expect(body).toMatchObject({ credit_balance: 10, bonus_credits: 0 });
    expect(defaultCardOf(customer)).toBe(second);
    expect(await headOf(money.deps, customer.customerId)).toMatchObject({ paymentMethodId: second });
    await expectSoundMoney(money, customer.customerId);
  });

  it('a card earns the bonus once: ten concurrent trials with one card get one bonus, each with the card on file', async () => {
    const customers = await Promise.all(Array.from({ length: 10 }, () => signUp()));
    // Each call creates a new payment method of the same card.
    const answers = await Promise.all(customers.map(({ apiKey }) => addCard(apiKey, 'pm_card_jcb')));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    const bonuses = answers.map(({ body }) => Number(body['bonus_credits']));
    expect(bonuses.reduce((sum, credits) => sum + credits)).toBe(5);
    for (const { apiKey, customerId } of customers) {
      expect(await usage(apiKey)).toMatchObject(PAYS_AS_THEY_GO);
      await expectSoundMoney(money, customerId);
    }
  });
});

describe('who is on Pro', () => {
  it('a Pro customer stays on Pro with another card, and keeps the subscription', async () => {
    const { apiKey, customerId } = await proCustomer(money);
    const { body } = await addCard(apiKey, await money.newCard());
    expect(body).toMatchObject({ subscription_type: 'pro', credit_balance: 70, bonus_credits: 0 });
    expect(await usage(apiKey)).toMatchObject({ subscription_type: 'pro', subscription_state: 'active' });
    expect(atStripe(money, customerId).subscriptions.map(({ status }) => status)).toEqual(['active']);
  });
});

describe('a card that is detached at Stripe', () => {
  /**
   * Delivers the event of the detached card. Stripe does not document whether it names the former customer.
   */
  async function tell(customer: SignedUp, card: string, previous: boolean): Promise<void> {
    const event = money
      .events()
      .find(({ type, data }) => type === 'payment_method.detached' && JSON.stringify(data).includes(card));
    if (event === undefined) throw new Error('no event');
    const { previous_attributes, ...data } = event.data;
    expect(JSON.stringify(previous_attributes)).toContain(atStripe(money, customer.customerId).id);
    const told = parseEvent(previous ? event : { ...event, data });
    if (told === null) throw new Error('no event any more');
    expect(await money.deliver([told])).toMatchObject([{ outcome: 'processed' }]);
  }

  it.each([
    ['says', true],
    ['does not say', false],
  ])(
    'a card detached at Stripe is off file when the event %s whose it was, and the same card can be added again',
    async (_, said) => {
      const customer = await signUp();
      await addCard(customer.apiKey, 'pm_card_visa');
      await leaveCredits(money, customer.customerId, 0);
      const card = String(defaultCardOf(customer));
      await money.stripe.paymentMethods.detach(card);
      await tell(customer, card, said);
      expect(await usage(customer.apiKey)).toMatchObject({
        has_payment_method: false,
        subscription_type: 'pay_as_you_go',
        warnings: [{ code: 'no_credits_no_card' }],
      });
      const fix = await recorded(customer.apiKey, 1);
      expect((await bill(customer.apiKey, fix)).body).toMatchObject({ code: 'no_billing_info' });

      expect((await addCard(customer.apiKey, 'pm_card_visa')).status).toBe(200);
      expect(await usage(customer.apiKey)).toMatchObject({ has_payment_method: true });
      expect((await bill(customer.apiKey, fix)).body).toMatchObject({ outcome: 'charged_and_consumed' });
      await expectSoundMoney(money, customer.customerId);
    },
  );

  it('a detached card leaves another card on file unchanged', async () => {
    const customer = await signUp();
    const [first, second] = [await money.newCard(), await money.newCard()];
    await addCard(customer.apiKey, first);
    await addCard(customer.apiKey, second);
    await money.stripe.paymentMethods.detach(first);
    await tell(customer, first, false);
    expect(await headOf(money.deps, customer.customerId)).toMatchObject({ paymentMethodId: second });
  });

  it('a customer who was deleted at Stripe adds a card and is a new one there, without a second bonus', async () => {
    const customer = await signUp();
    await addCard(customer.apiKey, await money.newCard());
    const { id } = atStripe(money, customer.customerId);
    await money.stripe.customers.del(id);
    await money.deliver(money.events().filter((event) => JSON.stringify(event).includes(id)));
    expect(await usage(customer.apiKey)).toMatchObject({ has_payment_method: false });
    expect((await addCard(customer.apiKey, await money.newCard())).body).toMatchObject({
      credit_balance: 10,
      bonus_credits: 0,
    });
    expect(atStripe(money, customer.customerId).id).not.toBe(id);
    await deliverAbout(money, customer.customerId);
    expect(await usage(customer.apiKey)).toMatchObject({ has_payment_method: true });
  });

  it('a customer deleted at Stripe can add a card even before the event arrives', async () => {
    const customer = await signUp();
    await addCard(customer.apiKey, await money.newCard());
    const { id } = atStripe(money, customer.customerId);
    await money.stripe.customers.del(id);
    const { status, body } = await addCard(customer.apiKey, await money.newCard());
    expect([status, body['bonus_credits']]).toEqual([200, 0]);
    expect(atStripe(money, customer.customerId).id).not.toBe(id);
  });
});

describe('trying cards', () => {
  it('adding cards more than 20 times an hour is 429 with the time to retry, and makes no call to Stripe', async () => {
    const { apiKey } = await signUp();
    const other = await signUp();
    const statuses = [];
    for (let n = 0; n < 20; n++) statuses.push((await addCard(apiKey, 'pm_card_chargeDeclined')).status);
    expect(new Set(statuses)).toEqual(new Set([402]));
    const changes = await changesAtStripe(money, async () => {
      const { status, headers, body } = await addCard(apiKey, 'pm_card_visa');
      expect([status, body['code']]).toEqual([429, 'rate_limited']);
      const wait = Number(headers['retry-after']);
      expect(wait).toBeGreaterThan(3_500);
      expect(wait).toBeLessThanOrEqual(3_600);
    });
    expect(changes).toEqual([]);
    expect((await addCard(other.apiKey, 'pm_card_visa')).status).toBe(200);
  });
});
