import { describe, expect, it } from 'vitest';
import { priceBook } from '../../lib/stripe/prices.ts';
import { findEventsOf } from '../../lib/stripe/readers/customer-events.ts';
import { listEvents, listFixPayments, listProInvoices } from '../../lib/stripe/readers/listings.ts';
import { readPaidMoney } from '../../lib/stripe/readers/paid-money.ts';
import { fixMetadata } from '../../lib/stripe/readers/payments.ts';
import {
  type Asked,
  invoiceFrom,
  lineFrom,
  list,
  paged,
  priceFrom,
  stripeWith,
} from '../support/stripe-objects.ts';

/* Lists of the whole account, and of all payments of a customer. */

const eventFrom = (facts: object = {}) => ({
  id: 'evt_1',
  object: 'event',
  type: 'invoice.paid',
  created: 100,
  livemode: false,
  api_version: '2026-10-28.endive',
  pending_webhooks: 0,
  data: { object: { id: 'in_1', object: 'invoice', customer: 'cus_1' } },
  ...facts,
});

describe('the events of a customer', () => {
  it('the events of a customer are selected from all since a time, and say whether they were delivered', async () => {
    const asked: Asked[] = [];
    const events = paged(
      eventFrom({ pending_webhooks: 1 }),
      eventFrom({ id: 'evt_2', data: { object: { id: 'in_2', customer: 'cus_other' } } }),
      eventFrom({ id: 'evt_3' }),
    );
    expect(await findEventsOf(stripeWith({ events }, asked), 'cus_1', 60)).toEqual([
      { id: 'evt_1', type: 'invoice.paid', objectId: 'in_1', undelivered: true },
      { id: 'evt_3', type: 'invoice.paid', objectId: 'in_1', undelivered: false },
    ]);
    expect(Object.fromEntries(asked[0]?.query ?? [])).toEqual({ 'created[gte]': '60', limit: '100' });
  });

  it('the events of a customer leave out other objects', async () => {
    const events = list({ id: 'evt_9', object: 'other' });
    expect(await findEventsOf(stripeWith({ events }), 'cus_1', 60)).toEqual([]);
  });
});

describe('a list of the whole account', () => {
  const WINDOW = { from: new Date(60_500), until: new Date(120_999), after: null };
  const page = (...data: readonly object[]) => ({ ...list(...data), has_more: true });

  it('a list of events has the handled ones, and the start of the next page', async () => {
    const asked: Asked[] = [];
    const other = eventFrom({ id: 'evt_2', type: 'coupon.created' });
    const stripe = stripeWith({ events: page(eventFrom(), other) }, asked);
    const { items, next } = await listEvents(stripe, WINDOW);
    expect(items.map(({ id }) => id)).toEqual(['evt_1']);
    expect(next).toBe('evt_2');
    expect(Object.fromEntries(asked[0]?.query ?? [])).toEqual({
      'created[gte]': '60',
      'created[lt]': '120',
      limit: '100',
    });
  });

  it('a list continues after an object, without an end if there is none, and ends', async () => {
    const asked: Asked[] = [];
    const stripe = stripeWith({ events: list(eventFrom()) }, asked);
    const { next } = await listEvents(stripe, { ...WINDOW, until: null, after: 'evt_0' });
    expect(next).toBeNull();
    expect(Object.fromEntries(asked[0]?.query ?? [])).toEqual({
      'created[gte]': '60',
      limit: '100',
      starting_after: 'evt_0',
    });
    expect((await listEvents(stripeWith({ events: page() }), WINDOW)).next).toBeNull();
  });

  it('a list of events with an unreadable one is an error', async () => {
    const stripe = stripeWith({ events: list(eventFrom({ created: 'never' })) });
    await expect(listEvents(stripe, WINDOW)).rejects.toMatchObject({
      kind: 'misconfigured',
      facts: { code: 'unreadable_event' },
    });
  });

  const intentFrom = (facts: object = {}) => ({
    id: 'pi_1',
    object: 'payment_intent',
    status: 'succeeded',
    amount: 2_900,
    amount_received: 2_900,
    customer: 'cus_1',
    created: 50,
    client_secret: null,
    last_payment_error: null,
    metadata: fixMetadata({ customerId: 'c1', fixAttemptId: 'f1', attempt: 1 }),
    latest_charge: { id: 'ch_1', created: 70, refunded: false, disputed: false },
    ...facts,
  });

  it('a list of payments has those that paid for a fix', async () => {
    const asked: Asked[] = [];
    const intents = page(
      intentFrom(),
      intentFrom({ id: 'pi_2', status: 'canceled' }),
      intentFrom({ id: 'pi_3', metadata: {} }),
      intentFrom({ id: 'pi_4', latest_charge: { id: 'ch_4', created: 70, refunded: true } }),
    );
    const { items, next } = await listFixPayments(stripeWith({ payment_intents: intents }, asked), WINDOW);
    expect(items.map(({ paymentIntentId, isReturned }) => [paymentIntentId, isReturned])).toEqual([
      ['pi_1', false],
      ['pi_4', true],
    ]);
    expect(next).toBe('pi_4');
    expect(asked[0]?.query.get('expand[0]')).toBe('data.latest_charge');
    expect(asked[0]?.query.get('created[gte]')).toBe('60');
  });

  const BOOK_ANSWERS = { prices: list(priceFrom()), 'prices/price_pro': priceFrom() };
  const free = invoiceFrom({ id: 'in_2', lines: [lineFrom({ amount: 0 })] });

  it('a list of invoices has those that granted credits, with their owners', async () => {
    const asked: Asked[] = [];
    const stripe = stripeWith({ ...BOOK_ANSWERS, invoices: page(invoiceFrom(), free) }, asked);
    const { items, next } = await listProInvoices(stripe, WINDOW, priceBook(stripe, 'price_pro'));
    expect(items).toMatchObject([{ id: 'in_1', stripeCustomerId: 'cus_1' }]);
    expect(next).toBe('in_2');
    expect(Object.fromEntries(asked[0]?.query ?? [])).toMatchObject({ status: 'paid', 'created[lt]': '120' });
  });

  it("a list of one customer's money has the time of each payment, and the disputed charges", async () => {
    const asked: Asked[] = [];
    const payment_intents = paged(
      intentFrom({ latest_charge: { id: 'ch_1', created: 70, refunded: false, disputed: true } }),
      intentFrom({ id: 'pi_2', metadata: {}, latest_charge: { id: 'ch_2', created: 7, disputed: true } }),
      intentFrom({ id: 'pi_3', latest_charge: null }),
      intentFrom({ id: 'pi_4', latest_charge: 'ch_4' }),
    );
    const invoices = paged(
      invoiceFrom(),
      free,
      invoiceFrom({ id: 'in_3', created: 30, status_transitions: { paid_at: null } }),
    );
    const stripe = stripeWith({ ...BOOK_ANSWERS, payment_intents, invoices }, asked);
    const money = await readPaidMoney(stripe, 'cus_1', priceBook(stripe, 'price_pro'));
    expect(
      money.fixPayments.map(({ paymentIntentId, paidAt }) => [paymentIntentId, paidAt.getTime()]),
    ).toEqual([
      ['pi_1', 70_000],
      ['pi_3', 50_000],
      ['pi_4', 50_000],
    ]);
    expect(money.proInvoices.map(({ id, paidAt }) => [id, paidAt.getTime()])).toEqual([
      ['in_1', 100_000],
      ['in_3', 30_000],
    ]);
    expect(money.disputedChargeIds).toEqual(['ch_1', 'ch_2']);
    expect(Object.fromEntries(asked[0]?.query ?? [])).toEqual({
      customer: 'cus_1',
      'expand[0]': 'data.latest_charge',
      limit: '100',
    });
    const [query] = asked.filter(({ path }) => path === 'invoices').map((one) => one.query);
    expect(Object.fromEntries(query ?? [])).toEqual({ customer: 'cus_1', status: 'paid', limit: '100' });
  });
});
