import { beforeAll, describe, expect, it } from 'vitest';
import { keys } from '../../lib/store/keys.ts';
import { api, call, type SignedUp, signUp } from '../support/http.ts';
import {
  addCard,
  atStripe,
  bill,
  cancel,
  changesAtStripe,
  customerOutOfCredits,
  deliverAbout,
  leaveCredits,
  proCustomer,
  recorded,
  serveMoney,
  subscribe,
  usage,
} from '../support/http-money.ts';
import { expectSoundMoney, headOf, type Money } from '../support/money.ts';
import { attachedCard, putDefault } from '../support/past-due.ts';
import { tamper } from '../support/reconciliation.ts';

let money: Money;
beforeAll(async () => {
  const served = await serveMoney();
  money = served.money;
  return served.stop;
});

const PRO_CENTS = 59_900;
const ACTIVE = { subscription_type: 'pro', subscription_state: 'active', cancel_at_period_end: false };

async function customerWithCard(card?: string): Promise<SignedUp> {
  const customer = await signUp();
  await addCard(customer.apiKey, card ?? (await money.newCard()));
  return customer;
}

const statesAtStripe = ({ customerId }: SignedUp) =>
  atStripe(money, customerId).subscriptions.map(({ status }) => status);
const paidAtStripe = ({ customerId }: SignedUp) => atStripe(money, customerId).paid;

async function proGrants({ customerId }: SignedUp): Promise<number> {
  const { entries } = await expectSoundMoney(money, customerId);
  return entries.filter(({ source }) => source === 'pro_subscription_payment').length;
}

async function costOfFix({ apiKey, customerId }: SignedUp, prNumber: number): Promise<unknown> {
  await leaveCredits(money, customerId, 0);
  return (await bill(apiKey, await recorded(apiKey, prNumber))).body['amount_cents'];
}

describe('subscribing to Pro', () => {
  it('subscribing to Pro is paid and grants 60 credits at once: 201, and later 200 with the current subscription', async () => {
    const customer = await customerWithCard();
    const first = await subscribe(customer.apiKey);
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ ...ACTIVE, credit_balance: 70 });
    expect(Date.parse(String(first.body['current_period_end']))).toBeGreaterThan(Date.now());
    const changes = await changesAtStripe(money, async () => {
      const again = await subscribe(customer.apiKey);
      expect(again.status).toBe(200);
      expect(again.body).toEqual(first.body);
    });
    expect(changes).toEqual([]);
    expect(paidAtStripe(customer)).toEqual([PRO_CENTS]);
    await deliverAbout(money, customer.customerId);
    expect(await usage(customer.apiKey)).toMatchObject({ ...ACTIVE, credit_balance: 70 });
    expect(await proGrants(customer)).toBe(1);
  });

  it.each([2, 10])(
    '%i concurrent calls make one subscription, one payment and 60 credits once',
    async (count) => {
      const customer = await customerWithCard();
      const answers = await Promise.all(Array.from({ length: count }, () => subscribe(customer.apiKey)));
      for (const { status, body, text } of answers) {
        expect([200, 201], text).toContain(status);
        expect(body).toMatchObject({ ...ACTIVE, credit_balance: 70 });
      }
      expect(statesAtStripe(customer)).toEqual(['active']);
      expect(paidAtStripe(customer)).toEqual([PRO_CENTS]);
      expect(await proGrants(customer)).toBe(1);
    },
  );

  it('subscribing without a card, or with a card that no longer exists, is 402 no_billing_info and orders nothing', async () => {
    const never = await signUp();
    const notAnyMore = await customerWithCard();
    const { customers } = atStripe(money, notAnyMore.customerId);
    await money.stripe.paymentMethods.detach(String(customers[0]?.invoice_settings.default_payment_method));
    for (const { apiKey } of [never, notAnyMore]) {
      const { credit_balance: balance } = await usage(apiKey);
      const changes = await changesAtStripe(money, async () => {
        const { status, body } = await subscribe(apiKey);
        expect(status).toBe(402);
        expect(body).toMatchObject({ code: 'no_billing_info', credit_balance: balance });
      });
      expect(changes).toEqual([]);
      expect(await usage(apiKey)).toMatchObject({ has_payment_method: false });
    }
  });

  it('subscribing with a declining card is 402 each time and leaves no subscription; a good card is a new attempt', async () => {
    const customer = await customerWithCard('pm_card_chargeCustomerFail');
    for (let n = 0; n < 2; n++) {
      const { status, body } = await subscribe(customer.apiKey);
      expect(status).toBe(402);
      expect(body).toMatchObject({ code: 'card_declined', decline_code: 'generic_decline' });
    }
    expect(statesAtStripe(customer)).toEqual([]);
    const declined = await usage(customer.apiKey);
    expect(declined).toMatchObject({ subscription_type: 'pay_as_you_go', subscription_state: null });
    // Stripe was called twice. Under one idempotency key, it would return the first answer each time.
    expect(atStripe(money, customer.customerId).payments).toHaveLength(2);

    await addCard(customer.apiKey, await money.newCard());
    const { status, body } = await subscribe(customer.apiKey);
    expect(status).toBe(201);
    expect(body).toMatchObject(ACTIVE);
    expect(paidAtStripe(customer)).toEqual([PRO_CENTS]);
    await deliverAbout(money, customer.customerId);
    expect(await proGrants(customer)).toBe(1);
  });

  it('subscribing with a card whose bank asks is 402 authentication_required, and leaves no subscription', async () => {
    const customer = await customerWithCard('pm_card_authenticationRequired');
    const { status, body } = await subscribe(customer.apiKey);
    expect(status).toBe(402);
    expect(body).toMatchObject({ code: 'authentication_required' });
    // The payment was cancelled with the subscription, so there is nothing to confirm.
    expect(body).not.toHaveProperty('payment_intent');
    expect(statesAtStripe(customer)).toEqual([]);
    expect(await usage(customer.apiKey)).toMatchObject({ subscription_type: 'pay_as_you_go' });
  });

  it.each([
    ['another plan', { plan: 'enterprise' }, 'plan'],
    ['no plan', {}, 'plan'],
    ['credits', { plan: 'pro', credit_balance: 60 }, 'credit_balance'],
    ['a price', { plan: 'pro', price: 'price_1' }, 'price'],
  ])('subscribing with %s is 422 with the field', async (_name, body, field) => {
    const { apiKey } = await signUp();
    const answer = await call(api.subscribe, { apiKey, body });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ field }] });
  });

  it('subscribing at a missing price is 500, leaves nothing half done, and works once that is corrected', async () => {
    const customer = await customerWithCard();
    const before = await usage(customer.apiKey);
    const atPrice = async (priceId: string) => {
      process.env['STRIPE_PRO_PRICE_ID'] = priceId;
      try {
        return await subscribe(customer.apiKey);
      } finally {
        process.env['STRIPE_PRO_PRICE_ID'] = money.priceId;
      }
    };
    const wrong = await atPrice('price_made_up');
    expect(wrong.status).toBe(500);
    expect(wrong.body).toMatchObject({ code: 'payments_misconfigured' });
    expect(wrong.text).not.toContain('price_made_up');
    expect(await usage(customer.apiKey)).toEqual(before);
    expect(statesAtStripe(customer)).toEqual([]);
    expect(atStripe(money, customer.customerId).payments).toEqual([]);

    const right = await atPrice(money.priceId);
    expect(right.status).toBe(201);
    expect(right.body).toMatchObject({ ...ACTIVE, credit_balance: 70 });
    expect(paidAtStripe(customer)).toEqual([PRO_CENTS]);
    expect(await proGrants(customer)).toBe(1);
  });

  it('subscribing withdraws a pending cancellation, without another payment', async () => {
    const customer = await proCustomer(money);
    expect((await cancel(customer.apiKey)).body).toMatchObject({ cancel_at_period_end: true });
    const { status, body } = await subscribe(customer.apiKey);
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...ACTIVE, credit_balance: 70 });
    const [atItsEnd] = atStripe(money, customer.customerId).subscriptions;
    expect(atItsEnd).toMatchObject({ cancel_at_period_end: false, cancel_at: null });
    expect(paidAtStripe(customer)).toEqual([PRO_CENTS]);
  });

  it('subscribing withdraws a cancellation that has a date, as the customer portal makes it', async () => {
    const customer = await proCustomer(money);
    const [subscription] = atStripe(money, customer.customerId).subscriptions;
    if (subscription === undefined) throw new Error('no subscription');
    await money.stripe.subscriptions.update(subscription.id, { cancel_at: 'min_period_end' });
    await deliverAbout(money, customer.customerId);
    expect(await usage(customer.apiKey)).toMatchObject({ cancel_at_period_end: true });
    expect((await subscribe(customer.apiKey)).body).toMatchObject(ACTIVE);
    expect(atStripe(money, customer.customerId).subscriptions).toMatchObject([{ cancel_at: null }]);
  });

  it('subscribing again after a cancellation is a new subscription, paid and granted again', async () => {
    const customer = await proCustomer(money);
    await cancel(customer.apiKey, { at_period_end: 'false' });
    const { status, body } = await subscribe(customer.apiKey);
    expect(status).toBe(201);
    expect(body).toMatchObject({ ...ACTIVE, credit_balance: 130 });
    expect(statesAtStripe(customer)).toEqual(['active', 'canceled']);
    expect(paidAtStripe(customer)).toEqual([PRO_CENTS, PRO_CENTS]);
    await deliverAbout(money, customer.customerId);
    expect(await proGrants(customer)).toBe(2);
  });

  it('more than 20 subscription calls an hour are 429, cancelling included', async () => {
    const { apiKey } = await signUp();
    for (let n = 0; n < 10; n++) {
      expect((await subscribe(apiKey)).status).toBe(402);
      expect((await cancel(apiKey)).status).toBe(404);
    }
    for (const limited of [await subscribe(apiKey), await cancel(apiKey)]) {
      expect(limited.status).toBe(429);
      expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
    }
  });
});

/** Creates a subscription without the service, as a person does in Stripe's dashboard. */
const inDashboard = (
  { customerId }: SignedUp,
  how: Partial<Parameters<Money['stripe']['subscriptions']['create']>[0]> = {},
) =>
  money.stripe.subscriptions.create({
    customer: atStripe(money, customerId).id,
    items: [{ price: money.priceId }],
    ...how,
  });

const invoiceOf = ({ latest_invoice: invoice }: Awaited<ReturnType<typeof inDashboard>>): string => {
  if (typeof invoice !== 'string') throw new Error('no invoice');
  return invoice;
};

describe('a subscription that was begun in the dashboard', () => {
  it('a subscription from the dashboard is not Pro while it is incomplete; subscribing ends it and makes a paid one', async () => {
    const customer = await customerWithCard();
    await inDashboard(customer, { payment_behavior: 'default_incomplete' });
    await deliverAbout(money, customer.customerId);
    expect(await usage(customer.apiKey)).toMatchObject({
      subscription_type: 'pay_as_you_go',
      subscription_state: 'incomplete',
      credit_balance: 10,
    });
    expect(await costOfFix(customer, 1)).toBe(2_900);
    const { status, body } = await subscribe(customer.apiKey);
    expect(status).toBe(201);
    expect(body).toMatchObject({ ...ACTIVE, credit_balance: 60 });
    expect(statesAtStripe(customer).toSorted()).toEqual(['active', 'canceled']);
    expect(paidAtStripe(customer)).toEqual([PRO_CENTS, 2_900]);
  });

  it('a subscription from the dashboard is Pro once its invoice was paid outside of Stripe, and grants its credits', async () => {
    const customer = await customerWithCard();
    const begun = await inDashboard(customer, { payment_behavior: 'default_incomplete' });
    await money.stripe.invoices.pay(invoiceOf(begun), { paid_out_of_band: true });
    await deliverAbout(money, customer.customerId);
    expect(await usage(customer.apiKey)).toMatchObject({ ...ACTIVE, credit_balance: 70 });
    expect(paidAtStripe(customer)).toEqual([]);
    expect(await proGrants(customer)).toBe(1);
    expect((await subscribe(customer.apiKey)).status).toBe(200);
  });

  it('a subscription cancelled with late events is seen as cancelled when the service reads Stripe', async () => {
    const customer = await proCustomer(money);
    const [subscription] = atStripe(money, customer.customerId).subscriptions;
    if (subscription === undefined) throw new Error('no subscription');
    await money.stripe.subscriptions.cancel(subscription.id);
    expect((await subscribe(customer.apiKey)).status).toBe(201);
    await deliverAbout(money, customer.customerId);
    expect(await usage(customer.apiKey)).toMatchObject({ ...ACTIVE, credit_balance: 130 });
  });
});

describe('a Pro invoice', () => {
  it("a Pro invoice paid from the customer's balance at Stripe grants credits, without a payment", async () => {
    const customer = await customerWithCard();
    await money.stripe.customers.update(atStripe(money, customer.customerId).id, { balance: -PRO_CENTS });
    const { status, body } = await subscribe(customer.apiKey);
    expect(status).toBe(201);
    expect(body).toMatchObject({ ...ACTIVE, credit_balance: 70 });
    expect(paidAtStripe(customer)).toEqual([]);
    await deliverAbout(money, customer.customerId);
    expect(await proGrants(customer)).toBe(1);
  });

  it('a $0 Pro invoice grants nothing, and usage says so: a trial is Pro without credits until its first paid month', async () => {
    const customer = await customerWithCard();
    await inDashboard(customer, { trial_period_days: 7 });
    await deliverAbout(money, customer.customerId);
    expect(atStripe(money, customer.customerId).invoices).toMatchObject([{ status: 'paid', total: 0 }]);
    expect(await usage(customer.apiKey)).toMatchObject({
      subscription_type: 'pro',
      subscription_state: 'trialing',
      credit_balance: 10,
      warnings: [{ code: 'free_period', message: expect.stringContaining('brought no credits') }],
    });
    expect(await costOfFix(customer, 1)).toBe(1_500);
    await money.days(8);
    await deliverAbout(money, customer.customerId);
    expect(await usage(customer.apiKey)).toMatchObject({ ...ACTIVE, credit_balance: 60 });
    expect(await proGrants(customer)).toBe(1);
  });

  it.each([
    ['a change that pays for all of a period', { proration: true, reason: 'subscription_create' }],
    [
      'a whole period that an update of the subscription begins',
      { proration: false, reason: 'subscription_update' },
    ],
    ['a whole period for a reason that is newer than we are', { proration: false, reason: 'something_new' }],
  ] as const)('a Pro invoice for %s grants the credits of its line', async (_name, { proration, reason }) => {
    const customer = await customerWithCard();
    const begun = await inDashboard(customer);
    const invoice = money.double.state.invoices.find(invoiceOf(begun));
    const details = invoice?.lines.data[0]?.parent?.subscription_item_details;
    if (invoice === undefined || !details) throw new Error('no line');
    expect(invoice.status).toBe('paid');
    details.proration = proration;
    invoice.billing_reason = reason;
    const outcomes = await deliverAbout(money, customer.customerId);
    expect(outcomes.every(({ outcome }) => outcome !== 'parked')).toBe(true);
    expect(await usage(customer.apiKey)).toMatchObject({ ...ACTIVE, credit_balance: 70 });
    expect(await proGrants(customer)).toBe(1);
  });

  it('a subscription to another product is no Pro and grants nothing', async () => {
    const customer = await customerWithCard();
    const other = await money.stripe.prices.create({
      currency: 'usd',
      unit_amount: PRO_CENTS,
      recurring: { interval: 'month' },
      product_data: { name: 'Something else' },
    });
    await inDashboard(customer, { items: [{ price: other.id }] });
    await deliverAbout(money, customer.customerId);
    expect(statesAtStripe(customer)).toEqual(['active']);
    expect(await usage(customer.apiKey)).toMatchObject({
      subscription_type: 'pay_as_you_go',
      subscription_state: null,
      credit_balance: 10,
    });
    expect((await subscribe(customer.apiKey)).status).toBe(201);
    expect(statesAtStripe(customer)).toEqual(['active', 'active']);
    expect(await proGrants(customer)).toBe(1);
  });

  it('a manual invoice of $599.00 without a subscription grants nothing', async () => {
    const customer = await customerWithCard();
    const { id } = atStripe(money, customer.customerId);
    await money.stripe.invoiceItems.create({ customer: id, amount: PRO_CENTS, currency: 'usd' });
    const invoice = await money.stripe.invoices.create({
      customer: id,
      pending_invoice_items_behavior: 'include',
    });
    await money.stripe.invoices.pay(invoice.id);
    await deliverAbout(money, customer.customerId);
    expect(paidAtStripe(customer)).toEqual([PRO_CENTS]);
    expect(await usage(customer.apiKey)).toMatchObject({ credit_balance: 10 });
    expect(await proGrants(customer)).toBe(0);
  });

  it('the Pro invoice of a renewal grants 60 more, once however often Stripe reports it', async () => {
    const customer = await proCustomer(money);
    await money.days(32);
    await deliverAbout(money, customer.customerId);
    await deliverAbout(money, customer.customerId);
    expect(await usage(customer.apiKey)).toMatchObject({ ...ACTIVE, credit_balance: 130 });
    expect(await proGrants(customer)).toBe(2);
  });

  it('subscribing while past due, with no invoice to pay, is 503, and says to cancel now and subscribe again', async () => {
    const customer = await proCustomer(money);
    const { id } = atStripe(money, customer.customerId);
    await putDefault(money, id, await attachedCard(money, id, 'pm_card_chargeCustomerFail'));
    await money.days(32);
    await deliverAbout(money, customer.customerId);
    const open = atStripe(money, customer.customerId).invoices.find(({ status }) => status === 'open');
    await money.stripe.invoices.voidInvoice(open?.id ?? '');
    const { status, body, headers } = await subscribe(customer.apiKey);
    expect([status, headers['retry-after']]).toEqual([503, '3600']);
    expect(body).toMatchObject({
      code: 'payments_unavailable',
      detail: expect.stringContaining('subscribe again'),
    });
    await putDefault(money, id, await attachedCard(money, id));
    expect((await cancel(customer.apiKey, { at_period_end: 'false' })).status).toBe(200);
    expect((await subscribe(customer.apiKey)).status).toBe(201);
    expect(await usage(customer.apiKey)).toMatchObject({ ...ACTIVE, credit_balance: 130 });
  });
});

describe('cancelling Pro', () => {
  it("cancelling at the period's end keeps $15.00 until then, and costs $29.00 after", async () => {
    const customer = await proCustomer(money);
    // The default.
    const { status, body } = await cancel(customer.apiKey);
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...ACTIVE, cancel_at_period_end: true, credit_balance: 70 });
    expect(await costOfFix(customer, 1)).toBe(1_500);
    await money.days(27);
    await deliverAbout(money, customer.customerId);
    expect(await costOfFix(customer, 2)).toBe(1_500);
    await money.days(5);
    await deliverAbout(money, customer.customerId);
    expect(await usage(customer.apiKey)).toMatchObject({
      subscription_type: 'pay_as_you_go',
      subscription_state: 'canceled',
      cancel_at_period_end: false,
    });
    expect(await costOfFix(customer, 3)).toBe(2_900);
    expect(paidAtStripe(customer)).toEqual([2_900, 1_500, 1_500, PRO_CENTS]);
    await expectSoundMoney(money, customer.customerId);
  });

  it('cancelling now costs $29.00 from the next fix on; the credits stay, and nothing is refunded', async () => {
    const customer = await proCustomer(money);
    const { status, body } = await cancel(customer.apiKey, { at_period_end: 'false' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      subscription_type: 'pay_as_you_go',
      subscription_state: 'canceled',
      cancel_at_period_end: false,
      credit_balance: 70,
    });
    expect(await costOfFix(customer, 1)).toBe(2_900);
    expect(atStripe(money, customer.customerId).refunds).toEqual([]);
  });

  it.each(['true', 'false'])(
    'cancelling twice has the effect of once (at_period_end=%s)',
    async (atPeriodEnd) => {
      const customer = await proCustomer(money);
      const query = { at_period_end: atPeriodEnd };
      const first = await cancel(customer.apiKey, query);
      const changes = await changesAtStripe(money, async () => {
        const again = await cancel(customer.apiKey, query);
        expect(again.status).toBe(200);
        expect(again.body).toEqual(first.body);
      });
      expect(changes).toEqual([]);
    },
  );

  it('cancelling now ends a subscription that was set to end later', async () => {
    const customer = await proCustomer(money);
    await cancel(customer.apiKey);
    const { body } = await cancel(customer.apiKey, { at_period_end: 'false' });
    expect(body).toMatchObject({ subscription_type: 'pay_as_you_go', subscription_state: 'canceled' });
    expect(statesAtStripe(customer)).toEqual(['canceled']);
  });

  it('cancelling without a subscription is 404, with or without a card', async () => {
    const trial = await signUp();
    const withCard = await customerOutOfCredits(money);
    for (const { apiKey } of [trial, withCard]) {
      const { status, body } = await cancel(apiKey);
      expect([status, body['code']]).toEqual([404, 'subscription_not_found']);
    }
  });

  it.each(['maybe', '', '1', 'TRUE'])('at_period_end=%j is 422, and nothing is cancelled', async (text) => {
    const customer = await proCustomer(money);
    const { status, body } = await cancel(customer.apiKey, { at_period_end: text });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'invalid_request', errors: [{ field: 'at_period_end' }] });
    expect(await headOf(money.deps, customer.customerId)).toMatchObject({
      subscriptionType: 'pro',
      subscription: { cancelAtPeriodEnd: false },
    });
  });
});

describe('a customer who owes credits', () => {
  it('subscribing returns how many credits are owed, and grants that many fewer', async () => {
    const customer = await signUp();
    await addCard(customer.apiKey, await money.newCard());
    await tamper(money.deps, keys.head(customer.customerId), 'debt', 70);
    const { status, body } = await subscribe(customer.apiKey);
    expect([status, body]).toMatchObject([201, { credit_balance: 10, credits_owed: 10, credits_netted: 60 }]);
    expect(await usage(customer.apiKey)).toMatchObject({ credits_owed: 10, credit_balance: 10 });
    expect((await subscribe(customer.apiKey)).body).toMatchObject({ credits_owed: 10, credits_netted: 0 });
  });

  it('subscribing returns that the whole grant settled owed credits', async () => {
    const customer = await signUp();
    await addCard(customer.apiKey, await money.newCard());
    await tamper(money.deps, keys.head(customer.customerId), 'debt', 60);
    const { status, body } = await subscribe(customer.apiKey);
    expect([status, body]).toMatchObject([201, { credit_balance: 10, credits_owed: 0, credits_netted: 60 }]);
  });
});
