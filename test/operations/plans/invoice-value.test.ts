import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type Stripe from 'stripe';
import { beforeAll, describe, expect, it } from 'vitest';
import { settleInvoice } from '../../../lib/operations/plans/settle-invoice.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { readLedgerRecords } from '../../../lib/store/audit/audit.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether, type Table } from '../../../lib/store/table.ts';
import { documents } from '../../support/documents.ts';
import { customerWithCard, headOf, type Money, openMoney } from '../../support/money.ts';
import { noticesOf } from '../../support/notices.ts';
import { openTestTable } from '../../support/table.ts';

/*
 * Credits follow money as Stripe moves it: lines, partial amounts, credit notes, unused time, the customer's
 * balance.
 */

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const PRO = 59_900;
const CREDITS = 10;
/** The first day of a month of 30 days, so that half of the month costs half of the price. */
const START = Date.UTC(2099, 3, 1) / 1_000;
const HALF_SECONDS = 15 * 86_400;

type How = Partial<Stripe.SubscriptionCreateParams>;

/** A customer with 10 credits, and the actions that a person takes for them in Stripe's dashboard. */
async function opened(overrides: Partial<PaymentDeps> = {}) {
  const money = await openMoney(table, { overrides });
  await money.control('clock', { to: START });
  const { customerId, stripeCustomerId } = await customerWithCard(money, CREDITS);
  const { stripe } = money;
  const start = (how: How = {}) =>
    stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: money.priceId }],
      expand: ['latest_invoice'],
      ...how,
    });
  /** Delivers all events, old and new. Returns what the customer has. */
  const settled = async () => {
    await money.deliver();
    await expectExact(money, customerId);
    const { balance, debt } = await headOf(money.deps, customerId);
    return { balance, debt };
  };
  return { money, stripe, customerId, stripeCustomerId, start, settled };
}

const latest = ({ latest_invoice: invoice }: Stripe.Subscription): Stripe.Invoice => {
  if (typeof invoice !== 'object' || invoice === null) throw new Error('no invoice');
  return invoice;
};
const itemOf = ({ items }: Stripe.Subscription): string => items.data[0]?.id ?? 'no item';

/**
 * For every invoice, compares the granted and taken-back credits with what Stripe says was sold and returned.
 */
async function expectExact(money: Money, customerId: string): Promise<void> {
  const records = await readLedgerRecords(table, customerId);
  const port = await money.deps.stripe();
  const entries = records?.entries ?? [];
  const invoiceIds = new Set(entries.map(({ metadata }) => metadata['invoice_id']).filter(Boolean));
  for (const id of invoiceIds) {
    const { invoice, returned } = await port.readInvoiceValue(String(id), { hasBrought: true });
    const own = entries.filter(({ metadata }) => metadata['invoice_id'] === id);
    const granted = sum(
      own.filter(({ source }) => source === 'pro_subscription_payment').map(({ amount }) => amount),
    );
    const net = sum(own.map(({ amount, metadata }) => amount - Number(metadata['debt_change'] ?? 0)));
    const sold = sum(
      invoice.lines.filter(({ amountCents }) => amountCents > 0).map((line) => line.netCents + line.taxCents),
    );
    if (returned.ofLines.length > 0) continue;
    expect(net).toBe(granted - Math.floor((granted * Math.min(sold, returned.cents)) / sold));
  }
  const head = await headOf(money.deps, customerId);
  expect(head.balance).toBe(sum(entries.map(({ amount }) => amount)));
  expect(head.debt).toBe(sum(entries.map(({ metadata }) => Number(metadata['debt_change'] ?? 0))));
}

const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);

describe('value, not labels', () => {
  it('a renewal that is closed by a credit note grants nothing to spend', async () => {
    const { money, stripe, stripeCustomerId, start, settled } = await opened();
    const subscription = await start();
    expect(await settled()).toEqual({ balance: 70, debt: 0 });
    await stripe.customers.update(stripeCustomerId, { invoice_settings: { default_payment_method: '' } });
    await money.control('clock', { to: START + 31 * 86_400 });
    const [renewal] = (await stripe.invoices.list({ subscription: subscription.id, status: 'open' })).data;
    await stripe.creditNotes.create({ invoice: renewal?.id ?? '', amount: PRO });
    expect((await stripe.invoices.retrieve(renewal?.id ?? '')).status).toBe('paid');
    expect(await settled()).toEqual({ balance: 70, debt: 0 });
  });

  it('three subscriptions paid from credited unused time grant the credits of one payment', async () => {
    const { stripe, start, settled } = await opened();
    for (let n = 0; n < 3; n++) {
      const { id } = await start();
      expect(await settled()).toEqual({ balance: 70, debt: 0 });
      await stripe.subscriptions.cancel(id, { prorate: true, invoice_now: true });
      const { balance } = await settled();
      expect(balance).toBeLessThanOrEqual(11);
    }
  });

  it("a trial's first invoice with a fee beside the $0 line grants nothing", async () => {
    const { stripe, start, settled } = await opened();
    const { id: product } = await stripe.products.create({ name: 'Set-up' });
    await start({
      trial_period_days: 7,
      add_invoice_items: [{ price_data: { currency: 'usd', product, unit_amount: 5_000 } }],
    });
    expect(await settled()).toEqual({ balance: CREDITS, debt: 0 });
  });

  it.each(['subscription_update', 'subscription_cycle'] as const)(
    'a whole period at the Pro price grants its credits under the billing reason %s',
    async (reason) => {
      const { money, stripe, start, settled } = await opened();
      await money.control('switches', { anchor_reset_billing_reason: reason });
      const { id } = await start();
      await settled();
      await money.control('clock', { to: START + HALF_SECONDS });
      const now = { billing_cycle_anchor: { type: 'now' }, proration_behavior: 'none' } as const;
      const subscription = await stripe.subscriptions.update(id, { ...now, expand: ['latest_invoice'] });
      expect(latest(subscription)).toMatchObject({ billing_reason: reason, amount_paid: PRO });
      expect(await settled()).toEqual({ balance: CREDITS + 120, debt: 0 });
    },
  );

  it('two seats grant twice the credits', async () => {
    const { money, start, settled } = await opened();
    await start({ items: [{ price: money.priceId, quantity: 2 }] });
    expect(await settled()).toEqual({ balance: CREDITS + 120, debt: 0 });
  });

  it('a second seat in the middle of the period grants half of its credits', async () => {
    const { money, stripe, start, settled } = await opened();
    const subscription = await start();
    await settled();
    await money.control('clock', { to: START + HALF_SECONDS });
    await stripe.subscriptions.update(subscription.id, {
      items: [{ id: itemOf(subscription), quantity: 2 }],
      proration_behavior: 'always_invoice',
    });
    const { balance } = await settled();
    // One seat for half a month and two for the other half: 30 + 60 of 60 + 60.
    expect(balance).toBeGreaterThanOrEqual(CREDITS + 89);
    expect(balance).toBeLessThanOrEqual(CREDITS + 91);
  });

  it('a paid line at an unknown price of our product is parked with an alarm, and applied once the price has its credits', async () => {
    const told: string[] = [];
    const { money, stripe, start, settled, customerId } = await opened({
      report: ({ kind }) => void told.push(kind),
    });
    const { product } = await stripe.prices.retrieve(money.priceId);
    const unknown = await stripe.prices.create({
      product: String(product),
      unit_amount: 99_900,
      currency: 'usd',
      recurring: { interval: 'month' },
    });
    await start({ items: [{ price: unknown.id }] });
    const parked = await money.deliver();
    expect(parked.filter(({ outcome }) => outcome === 'parked').length).toBeGreaterThan(0);
    expect(parked.find(({ outcome }) => outcome === 'parked')?.reason).toContain(unknown.id);
    expect(told).toContain('paid_at_unknown_price');
    expect((await headOf(money.deps, customerId)).balance).toBe(CREDITS);
    await stripe.prices.update(unknown.id, { metadata: { plan: 'pro', credits: '100' } });
    expect(await settled()).toEqual({ balance: CREDITS + 100, debt: 0 });
    expect((await money.deliver()).every(({ outcome }) => outcome !== 'parked')).toBe(true);
  });

  it('another product’s subscription is ignored', async () => {
    const { stripe, start, settled, money } = await opened();
    const other = await stripe.prices.create({
      product_data: { name: 'Something else' },
      unit_amount: 5_000,
      currency: 'usd',
      recurring: { interval: 'month' },
    });
    await start({ items: [{ price: other.id }] });
    expect((await money.deliver()).every(({ outcome }) => outcome !== 'parked')).toBe(true);
    expect(await settled()).toEqual({ balance: CREDITS, debt: 0 });
  });

  it("an invoice paid from the customer's balance grants its credits", async () => {
    const { stripe, stripeCustomerId, start, settled } = await opened();
    await stripe.customers.update(stripeCustomerId, { balance: -PRO });
    await start();
    expect(await settled()).toEqual({ balance: CREDITS + 60, debt: 0 });
  });
});

describe('returned money of an invoice', () => {
  it('an invoice paid by $300 and $299, both refunded, leaves the earlier balance', async () => {
    const { money, stripe, stripeCustomerId, start, settled } = await opened();
    const subscription = await start({ collection_method: 'send_invoice', days_until_due: 7 });
    const invoice = await stripe.invoices
      .finalizeInvoice(latest(subscription).id)
      .catch(() => latest(subscription));
    const { data: methods } = await stripe.customers.listPaymentMethods(stripeCustomerId);
    const intents: string[] = [];
    for (const amount of [30_000, 29_900]) {
      const intent = await stripe.paymentIntents.create({
        amount,
        currency: 'usd',
        customer: stripeCustomerId,
        payment_method: methods[0]?.id ?? '',
        off_session: true,
        confirm: true,
        allowed_payment_method_types: ['card'],
      });
      await stripe.invoices.attachPayment(invoice.id, { payment_intent: intent.id });
      intents.push(intent.id);
    }
    expect((await stripe.invoices.retrieve(invoice.id)).status).toBe('paid');
    expect(await settled()).toEqual({ balance: 70, debt: 0 });
    await stripe.refunds.create({ payment_intent: intents[0] ?? '' });
    expect(await settled()).toEqual({ balance: 40, debt: 0 });
    await stripe.refunds.create({ payment_intent: intents[1] ?? '' });
    expect(await settled()).toEqual({ balance: CREDITS, debt: 0 });
    expect(money.double.state.refunds.size).toBe(2);
  });

  it.each([
    ['credited to the balance', { amount: 29_950, credit_amount: 29_950 }],
    ['refunded, and counted once', { amount: 29_950, refund_amount: 29_950 }],
    ['paid back past Stripe', { amount: 29_950, out_of_band_amount: 29_950 }],
  ])('a credit note over half, %s, takes half of the credits', async (_name, note) => {
    const { stripe, start, settled } = await opened();
    const subscription = await start();
    await settled();
    await stripe.creditNotes.create({ invoice: latest(subscription).id, ...note });
    expect(await settled()).toEqual({ balance: CREDITS + 30, debt: 0 });
  });

  it('an inquiry that escalates to a chargeback takes the credits when the money goes, and a won one restores them', async () => {
    const { money, start, settled } = await opened();
    await start();
    await settled();
    const charge = money.double.state.charges.newestFirst[0]?.id ?? '';
    const { id } = await money.control(`charges/${charge}/dispute`, { inquiry: true });
    expect(await settled()).toEqual({ balance: 70, debt: 0 });
    await money.control(`disputes/${String(id)}/escalate`);
    expect(await settled()).toEqual({ balance: CREDITS, debt: 0 });
    await money.control(`disputes/${String(id)}/close`, { status: 'won' });
    expect(await settled()).toEqual({ balance: 70, debt: 0 });
  });

  it('a letter states how many credits were taken back, and why', async () => {
    const { stripe, start, settled, customerId, money } = await opened();
    const subscription = await start();
    await settled();
    await stripe.creditNotes.create({
      invoice: latest(subscription).id,
      amount: 29_950,
      credit_amount: 29_950,
    });
    await settled();
    const letters = (await noticesOf(money.deps, customerId)).map(({ content }) => content);
    expect(letters.filter(({ kind }) => kind === 'credits_removed')).toMatchObject([
      { removed: 30, returnedCents: 29_950, reasons: ['credit_note'], left: CREDITS + 30, owed: 0 },
    ]);
  });
});

describe('a guard of a release that granted 60 for each invoice', () => {
  it('the guard of a release that granted 60 per invoice covers all lines, and takes back by the same rule', async () => {
    const { money, stripe, start, settled, customerId } = await opened();
    const subscription = await start();
    await settled();
    const key = keys.once(customerId, 'invoice', latest(subscription).id);
    const [guard] = await readTogether(table, [key]);
    const { lines: _, ...older } = guard ?? {};
    await documents(table).send(new PutCommand({ TableName: table.name, Item: older }));
    expect(await settleInvoice(money.deps, customerId, latest(subscription).id)).toBe(false);
    await stripe.refunds.create({
      charge: money.double.state.charges.newestFirst[0]?.id ?? '',
      amount: 29_950,
    });
    expect(await settled()).toEqual({ balance: CREDITS + 30, debt: 0 });
  });
});
