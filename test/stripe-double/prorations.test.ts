import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { bench, customerWith, latestInvoice, monthlyPrice, refused, subscribe } from './support.ts';

const PRO = 59_900;
const START = Date.UTC(2099, 3, 1) / 1_000;
/** Half of April's 30 days. */
const HALF = 15 * 86_400;

/** A stand-in on April 1st with one paid Pro subscription, and a second, higher price. */
const pro = async () => {
  const made = await bench();
  await made.control('clock', { to: START });
  const who = await customerWith(made.stripe);
  const price = await monthlyPrice(made.stripe);
  const dearer = await monthlyPrice(made.stripe, 119_800);
  const yearly = await made.stripe.prices.create({
    currency: 'usd',
    unit_amount: 600_000,
    recurring: { interval: 'year' },
    product_data: { name: 'Pro, yearly' },
  });
  const subscription = await subscribe(made.stripe, who.customer, price.id);
  const [item] = subscription.items.data;
  if (item === undefined) throw new Error('no item');
  const now = () => made.running.double.clock.nowSeconds;
  return {
    ...made,
    ...who,
    price: price.id,
    dearer: dearer.id,
    yearly: yearly.id,
    id: subscription.id,
    item: item.id,
    first: latestInvoice(subscription),
    periodEnd: item.current_period_end,
    /** Moves the clock to the exact middle of the first period. */
    half: () => made.control('clock', { to: item.current_period_start + HALF }),
    newest: async () => {
      const found = await made.stripe.subscriptions.retrieve(subscription.id);
      return made.stripe.invoices.retrieve(latestInvoice(found));
    },
    now,
  };
};

const linesOf = ({ lines }: Stripe.Invoice) =>
  lines.data.map(({ amount, parent, quantity }) => ({
    amount,
    quantity,
    proration: parent?.subscription_item_details?.proration,
  }));

/** Allows 15 cents more or less, because real seconds may pass between two calls. */
const about = (cents: number) => ({
  asymmetricMatch: (value: unknown) => typeof value === 'number' && Math.abs(value - cents) <= 15,
});

const balanceOf = async (stripe: Stripe, customer: string) => {
  const found = await stripe.customers.retrieve(customer);
  return found.deleted ? null : found.balance;
};

describe('a change of a subscription in the middle of its period', () => {
  it('a change to a dearer price adds a credit and a charge to the next invoice', async () => {
    const { stripe, id, item, dearer, half, newest, first, control, periodEnd } = await pro();
    await half();
    await stripe.subscriptions.update(id, { items: [{ id: item, price: dearer }] });
    expect((await stripe.invoices.list({ subscription: id })).data).toHaveLength(1);
    await control('clock', { to: periodEnd + 3_700 });
    const invoice = await newest();
    expect(invoice).toMatchObject({ status: 'paid', billing_reason: 'subscription_cycle' });
    expect(linesOf(invoice)).toEqual([
      { amount: about(-PRO / 2), quantity: 1, proration: true },
      { amount: about(PRO), quantity: 1, proration: true },
      { amount: 119_800, quantity: 1, proration: false },
    ]);
    const [line] = (await stripe.invoices.listLineItems(first)).data;
    expect(invoice.lines.data[0]?.parent?.subscription_item_details).toMatchObject({
      subscription: id,
      subscription_item: item,
      invoice_item: expect.stringMatching(/^ii_/),
      proration_details: { credited_items: { invoice: first, invoice_line_items: [line?.id] } },
    });
  });

  it('a change with always_invoice is invoiced at once with the reason subscription_update', async () => {
    const { stripe, id, item, half, newest } = await pro();
    await half();
    const updated = await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 2 }],
      proration_behavior: 'always_invoice',
    });
    expect(updated.items.data).toMatchObject([{ id: item, quantity: 2 }]);
    const invoice = await newest();
    expect(invoice).toMatchObject({ status: 'paid', billing_reason: 'subscription_update' });
    expect(invoice.amount_paid).toEqual(about(PRO / 2));
    expect(linesOf(invoice)).toEqual([
      { amount: about(-PRO / 2), quantity: 1, proration: true },
      { amount: about(PRO), quantity: 2, proration: true },
    ]);
  });

  it('a change with none is billed from the next period on', async () => {
    const { stripe, id, item, half, newest, control, periodEnd } = await pro();
    await half();
    await stripe.subscriptions.update(id, { items: [{ id: item, quantity: 2 }], proration_behavior: 'none' });
    await control('clock', { to: periodEnd + 3_700 });
    expect(linesOf(await newest())).toEqual([{ amount: 2 * PRO, quantity: 2, proration: false }]);
  });

  it('fewer seats, invoiced at once, credit the customer’s balance', async () => {
    const { stripe, customer, item, id, half, newest } = await pro();
    await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 2 }],
      proration_behavior: 'always_invoice',
    });
    await half();
    await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 1 }],
      proration_behavior: 'always_invoice',
    });
    const invoice = await newest();
    expect(invoice).toMatchObject({ status: 'paid', amount_due: 0, total: about(-PRO / 2) });
    expect(await balanceOf(stripe, customer)).toEqual(about(-PRO / 2));
  });

  it('a change without an item id adds a second item, and deleting that item credits it', async () => {
    const { stripe, id, item, price, dearer, half } = await pro();
    const two = await stripe.subscriptions.update(id, { items: [{ price: dearer }] });
    expect(two.items.data.map((one) => one.price.id)).toEqual([price, dearer]);
    expect(await refused(stripe.subscriptions.update(id, { items: [{ price }] }))).toMatchObject({
      param: 'items',
    });
    await half();
    const one = await stripe.subscriptions.update(id, { items: [{ id: item, deleted: true }] });
    expect(one.items.data.map((left) => left.price.id)).toEqual([dearer]);
    const [credit] = (await stripe.invoiceItems.list({ pending: true })).data;
    expect(credit).toMatchObject({ amount: about(-PRO / 2), proration: true });
    const last = { items: [{ id: one.items.data[0]?.id ?? '', deleted: true }] };
    expect(await refused(stripe.subscriptions.update(id, last))).toMatchObject({ param: 'items' });
  });

  it('a change of interval bills a whole new period at once, in a line that is not a proration', async () => {
    const { stripe, id, item, yearly, half, newest, now } = await pro();
    await half();
    const updated = await stripe.subscriptions.update(id, { items: [{ id: item, price: yearly }] });
    const invoice = await newest();
    expect(invoice).toMatchObject({ status: 'paid', billing_reason: 'subscription_update' });
    expect(linesOf(invoice)).toEqual([
      { amount: about(-PRO / 2), quantity: 1, proration: true },
      { amount: 600_000, quantity: 1, proration: false },
    ]);
    expect(updated.billing_cycle_anchor).toBeGreaterThan(now() - 60);
    expect(updated.items.data[0]?.current_period_end).toBeGreaterThan(now() + 364 * 86_400);
  });

  it('a change that resets the anchor bills a full period now', async () => {
    const { stripe, id, half, newest, now } = await pro();
    await half();
    const updated = await stripe.subscriptions.update(id, {
      billing_cycle_anchor: { type: 'now' },
      proration_behavior: 'none',
    });
    expect(updated.items.data[0]?.current_period_start).toBeGreaterThan(now() - 60);
    expect(linesOf(await newest())).toEqual([{ amount: PRO, quantity: 1, proration: false }]);
  });

  it('a change whose payment fails leaves the subscription past due', async () => {
    const { stripe, id, item, customer } = await pro();
    const failing = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    await stripe.subscriptions.update(id, { default_payment_method: failing.id });
    const updated = await stripe.subscriptions.update(id, {
      items: [{ id: item, quantity: 3 }],
      proration_behavior: 'always_invoice',
    });
    expect(updated.status).toBe('past_due');
  });
});

describe('a cancellation now', () => {
  it('cancelling with prorate and invoice_now credits the unused time to the balance', async () => {
    const { stripe, id, customer, half, first, newest } = await pro();
    await half();
    expect((await stripe.subscriptions.cancel(id, { prorate: true, invoice_now: true })).status).toBe(
      'canceled',
    );
    expect(await balanceOf(stripe, customer)).toEqual(about(-PRO / 2));
    const invoice = await newest();
    expect(linesOf(invoice)).toEqual([{ amount: about(-PRO / 2), quantity: 1, proration: true }]);
    expect(invoice.lines.data[0]?.parent?.subscription_item_details?.proration_details).toMatchObject({
      credited_items: { invoice: first },
    });
  });

  it('cancelling with prorate alone keeps the credit pending; without both, pending items are dropped', async () => {
    const { stripe, id, item, customer, price, half } = await pro();
    await half();
    await stripe.subscriptions.update(id, { items: [{ id: item, quantity: 2 }] });
    expect((await stripe.invoiceItems.list({ pending: true })).data).toHaveLength(2);
    await stripe.subscriptions.cancel(id);
    expect((await stripe.invoiceItems.list({ pending: true })).data).toEqual([]);
    const second = await subscribe(stripe, customer, price);
    await stripe.subscriptions.cancel(second.id, { prorate: true });
    expect((await stripe.invoiceItems.list({ pending: true })).data).toMatchObject([
      { amount: about(-PRO), proration: true },
    ]);
    expect(await balanceOf(stripe, customer)).toBe(0);
  });

  it('unused time is credited once, and the credit pays the next subscription', async () => {
    const { stripe, id, customer, price } = await pro();
    await stripe.subscriptions.cancel(id, { prorate: true, invoice_now: true });
    const again = await subscribe(stripe, customer, price);
    const invoice = await stripe.invoices.retrieve(latestInvoice(again));
    expect(invoice).toMatchObject({ status: 'paid', total: PRO });
    expect(invoice.amount_due).toBeLessThan(100);
  });
});

describe('a first period', () => {
  it('a first period that an anchor shortens is billed in part, as a proration', async () => {
    const { stripe, customer, price, now } = await pro();
    const anchor = now() + HALF;
    const made = await subscribe(stripe, customer, price, { billing_cycle_anchor: anchor });
    const invoice = await stripe.invoices.retrieve(latestInvoice(made));
    const [line] = linesOf(invoice);
    expect(line?.proration).toBe(true);
    expect(line?.amount).toBeGreaterThan(PRO * 0.45);
    expect(line?.amount).toBeLessThan(PRO * 0.55);
    expect(made.items.data[0]?.current_period_end).toBe(anchor);
    const free = await subscribe(stripe, customer, price, {
      billing_cycle_anchor: anchor,
      proration_behavior: 'none',
    });
    expect(await stripe.invoices.retrieve(latestInvoice(free))).toMatchObject({ total: 0, status: 'paid' });
  });

  it('a first period that is a trial costs nothing, but a fee with it is charged', async () => {
    const { stripe, customer, price, eventTypes } = await pro();
    const fee = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 5_000,
      product_data: { name: 'Set-up' },
    });
    const made = await subscribe(stripe, customer, price, {
      trial_period_days: 2,
      add_invoice_items: [{ price: fee.id }],
    });
    expect(made.status).toBe('trialing');
    const invoice = await stripe.invoices.retrieve(latestInvoice(made));
    expect(invoice).toMatchObject({
      status: 'paid',
      amount_paid: 5_000,
      billing_reason: 'subscription_create',
    });
    expect(invoice.lines.data).toMatchObject([
      {
        amount: 5_000,
        parent: { type: 'invoice_item_details' },
        pricing: { price_details: { price: fee.id } },
      },
      { amount: 0, parent: { type: 'subscription_item_details' } },
    ]);
    expect(await eventTypes()).toContain('customer.subscription.trial_will_end');
  });
});

describe('a trial', () => {
  it('ending a trial now bills a whole period at once', async () => {
    const { stripe, customer, price } = await pro();
    const made = await subscribe(stripe, customer, price, { trial_period_days: 14 });
    const active = await stripe.subscriptions.update(made.id, { trial_end: 'now' });
    expect(active.status).toBe('active');
    expect(await stripe.invoices.retrieve(latestInvoice(active))).toMatchObject({
      status: 'paid',
      total: PRO,
      billing_reason: 'subscription_cycle',
    });
  });

  it('a trial that starts later credits the unused time, and ends on its own date', async () => {
    const { stripe, id, half, now, newest, control, customer } = await pro();
    await half();
    const end = now() + 10 * 86_400;
    const trial = await stripe.subscriptions.update(id, { trial_end: end });
    expect(trial).toMatchObject({ status: 'trialing', trial_end: end, billing_cycle_anchor: end });
    expect(await newest()).toMatchObject({ total: about(-PRO / 2), billing_reason: 'subscription_update' });
    expect(await balanceOf(stripe, customer)).toEqual(about(-PRO / 2));
    await control('clock', { to: end + 3_700 });
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('active');
    expect(await newest()).toMatchObject({ status: 'paid', total: PRO, amount_due: about(PRO / 2) });
  });
});

describe('a pause of collection', () => {
  it.each([
    ['keep_as_draft', 'draft'],
    ['mark_uncollectible', 'uncollectible'],
    ['void', 'void'],
  ] as const)(
    'with %s, a pause of collection leaves the subscription active and its renewal %s',
    async (behavior, status) => {
      const { stripe, id, newest, control, periodEnd } = await pro();
      await stripe.subscriptions.update(id, { pause_collection: { behavior } });
      await control('clock', { to: periodEnd + 3_700 });
      expect(await newest()).toMatchObject({ status, billing_reason: 'subscription_cycle' });
      const paused = await stripe.subscriptions.retrieve(id);
      expect(paused).toMatchObject({ status: 'active', pause_collection: { behavior, resumes_at: null } });
      expect(await stripe.subscriptions.update(id, { pause_collection: '' })).toMatchObject({
        pause_collection: null,
      });
    },
  );

  it('a pause of collection ends at its resumes_at time', async () => {
    const { stripe, id, now, control } = await pro();
    const resumes = now() + 1_000;
    await stripe.subscriptions.update(id, { pause_collection: { behavior: 'void', resumes_at: resumes } });
    await control('clock', { to: resumes + 1 });
    expect((await stripe.subscriptions.retrieve(id)).pause_collection).toBeNull();
  });
});

describe('a pause of a subscription', () => {
  it('pausing a subscription ends its period, credits the unused time and makes no invoices', async () => {
    const { stripe, id, half, control, periodEnd, now } = await pro();
    await half();
    const paused = await stripe.subscriptions.pause(id);
    expect(paused).toMatchObject({
      status: 'paused',
      status_details: { paused: { subscription: { type: 'pause_requested' } } },
    });
    expect(paused.items.data[0]?.current_period_end).toBeLessThanOrEqual(now());
    expect((await stripe.invoiceItems.list({ pending: true })).data).toMatchObject([
      { amount: about(-PRO / 2) },
    ]);
    await control('clock', { to: periodEnd + 40 * 86_400 });
    expect((await stripe.invoices.list({ subscription: id })).data).toHaveLength(1);
  });

  it('a paused subscription resumes on payment: a decline leaves it paused, and paying resumes it', async () => {
    const { stripe, id, customer, method, eventTypes } = await pro();
    await stripe.subscriptions.pause(id, { bill_for: { unused_time_from: { type: 'none' } } });
    const failing = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    await stripe.subscriptions.update(id, { default_payment_method: failing.id });
    const still = await stripe.subscriptions.resume(id, { payment_behavior: 'resume_on_payment_success' });
    expect(still.status).toBe('paused');
    await stripe.invoices.pay(latestInvoice(still), { payment_method: method });
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('active');
    expect(await eventTypes()).toContain('customer.subscription.resumed');
  });
});

describe('an invoice that is sent', () => {
  it('a subscription with sent invoices stays active until the due date', async () => {
    const { stripe, customer, price, control, now } = await pro();
    const made = await subscribe(stripe, customer, price, {
      collection_method: 'send_invoice',
      days_until_due: 10,
    });
    expect(made).toMatchObject({ status: 'active', collection_method: 'send_invoice', days_until_due: 10 });
    await control('clock', { to: now() + 3_700 });
    const invoice = latestInvoice(made);
    expect(await stripe.invoices.retrieve(invoice)).toMatchObject({
      status: 'open',
      attempt_count: 0,
      due_date: expect.any(Number),
    });
    await control('clock', { to: now() + 11 * 86_400 });
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('past_due');
    await stripe.invoices.pay(invoice);
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('active');
  });

  it('a subscription with sent invoices needs days_until_due', async () => {
    const { stripe, customer, price } = await pro();
    const error = await refused(subscribe(stripe, customer, price, { collection_method: 'send_invoice' }));
    expect(error).toMatchObject({ param: 'days_until_due' });
  });
});

describe('the end of a subscription', () => {
  it('cancel_at and cancel_at_period_end exclude each other, even if both clear', async () => {
    const { stripe, id, now } = await pro();
    for (const both of [
      { cancel_at: now() + 1_000, cancel_at_period_end: true },
      { cancel_at: '' as const, cancel_at_period_end: false },
    ]) {
      const error = await refused(stripe.subscriptions.update(id, both));
      expect(error).toMatchObject({ statusCode: 400, rawType: 'invalid_request_error' });
      expect([error.code, error.param]).toEqual([undefined, undefined]);
    }
  });

  it('a subscription that ends in some months renews until then and ends on that day', async () => {
    const { stripe, id, now, control } = await pro();
    const at = now() + 150 * 86_400;
    await stripe.subscriptions.update(id, { cancel_at: at });
    await control('clock', { to: at - 100 });
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({ status: 'active', cancel_at: at });
    expect((await stripe.invoices.list({ subscription: id })).data.length).toBeGreaterThan(4);
    await control('clock', { to: at + 1 });
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({ status: 'canceled', ended_at: at });
  });

  it.each(['min_period_end', 'max_period_end'] as const)(
    'a subscription’s end can be the %s',
    async (cancelAt) => {
      const { stripe, id, periodEnd } = await pro();
      const updated = await stripe.subscriptions.update(id, { cancel_at: cancelAt });
      expect(updated).toMatchObject({ cancel_at: periodEnd, cancel_at_period_end: false });
    },
  );

  it('the end of a subscription bills its pending prorations when the period is over', async () => {
    const { stripe, id, item, half, newest, control, periodEnd } = await pro();
    await half();
    await stripe.subscriptions.update(id, { items: [{ id: item, quantity: 2 }] });
    await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    await control('clock', { to: periodEnd + 3_700 });
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
    expect(await newest()).toMatchObject({ status: 'paid', total: about(PRO / 2) });
  });

  it('a subscription can be paused after the last retry, and its invoice stays collectible', async () => {
    const { stripe, id, customer, control, periodEnd, method, newest } = await pro();
    await control('dunning', { retryAfterDays: [1], finally: 'paused' });
    const failing = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    await stripe.subscriptions.update(id, { default_payment_method: failing.id });
    await control('clock', { to: periodEnd + 3 * 86_400 });
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({
      status: 'paused',
      status_details: { paused: { subscription: { type: 'final_payment_failure' } } },
    });
    const invoice = await newest();
    expect(await stripe.invoices.pay(invoice.id, { payment_method: method })).toMatchObject({
      status: 'paid',
    });
  });

  it('a subscription can stay past due without end, and a new default card alone pays nothing', async () => {
    const { stripe, id, customer, control, periodEnd } = await pro();
    await control('dunning', { retryAfterDays: [1], finally: 'past_due' });
    const failing = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    await stripe.subscriptions.update(id, { default_payment_method: failing.id });
    await control('clock', { to: periodEnd + 3 * 86_400 });
    const good = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    await stripe.subscriptions.update(id, { default_payment_method: good.id });
    await control('clock', { to: periodEnd + 20 * 86_400 });
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('past_due');
    expect((await stripe.invoices.list({ subscription: id, status: 'open' })).data).toHaveLength(1);
  });
});

describe("a subscription's own card", () => {
  it('a subscription’s own card is used before the customer’s, and an empty value clears it if allowed', async () => {
    const { stripe, id, customer, method, control, newest, periodEnd } = await pro();
    const own = await stripe.paymentMethods.attach('pm_card_mastercard', { customer });
    await stripe.subscriptions.update(id, { default_payment_method: own.id });
    await control('clock', { to: periodEnd + 3_700 });
    const charged = async () => (await stripe.charges.list({ customer })).data[0]?.payment_method;
    expect(await newest()).toMatchObject({ status: 'paid' });
    expect(await charged()).toBe(own.id);
    await control('switches', { empty_subscription_default: 'clears' });
    const cleared = await stripe.subscriptions.update(id, { default_payment_method: '' });
    expect(cleared.default_payment_method).toBeNull();
    await control('clock', { to: periodEnd + 32 * 86_400 });
    expect(await charged()).toBe(method);
  });
});
