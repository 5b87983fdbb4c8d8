import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { API_KEY, bench } from './support.ts';

const answerSchema = z.looseObject({ id: z.string() });

/** Stripe's own command line: it sends no API version, and uses parameters that newer versions reject. */
async function commandLine() {
  const made = await bench();
  const call = async (method: string, path: string, form: Record<string, string> = {}) => {
    const body = new URLSearchParams(form);
    const query = method === 'GET' ? `?${body}` : '';
    const response = await fetch(`${made.running.url}${path}${query}`, {
      method,
      headers: { authorization: `Bearer ${API_KEY}` },
      ...(method === 'GET' ? {} : { body }),
    });
    return { status: response.status, body: await response.json() };
  };
  const id = async (method: string, path: string, form?: Record<string, string>) => {
    const { status, body } = await call(method, path, form);
    expect([path, status]).toEqual([path, 200]);
    return answerSchema.parse(body).id;
  };
  return { ...made, call, id };
}

const PAYMENT = { amount: '2000', currency: 'usd', 'payment_method_types[0]': 'card', confirm: 'true' };
const CARD_ON_FILE = {
  payment_method: 'pm_card_visa',
  'invoice_settings[default_payment_method]': 'pm_card_visa',
};

describe('the calls of the Stripe CLI', () => {
  it('the calls of stripe trigger payment_intent.succeeded lead to that event', async () => {
    const { id, eventTypes } = await commandLine();
    await id('POST', '/v1/payment_intents', {
      ...PAYMENT,
      payment_method: 'pm_card_visa',
      'shipping[name]': 'Ada',
      'shipping[address][line1]': '1 Analytical Way',
      'shipping[address][country]': 'US',
    });
    expect(await eventTypes()).toContain('payment_intent.succeeded');
  });

  it('the calls of stripe trigger payment_intent.payment_failed lead to that event', async () => {
    const { call, eventTypes } = await commandLine();
    const payment = { ...PAYMENT, payment_method: 'pm_card_chargeDeclined' };
    const { status, body } = await call('POST', '/v1/payment_intents', payment);
    expect(status).toBe(402);
    expect(body).toMatchObject({ error: { type: 'card_error' } });
    expect(await eventTypes()).toContain('payment_intent.payment_failed');
  });

  it('the calls of stripe trigger for charge.refunded and charge.refund.updated lead to those events', async () => {
    const { id, eventTypes } = await commandLine();
    const intent = await id('POST', '/v1/payment_intents', { ...PAYMENT, payment_method: 'pm_card_visa' });
    const refund = await id('POST', '/v1/refunds', { payment_intent: intent });
    await id('POST', `/v1/refunds/${refund}`, { 'metadata[order_id]': '1' });
    expect(await eventTypes()).toEqual(expect.arrayContaining(['charge.refunded', 'charge.refund.updated']));
  });

  it('the calls of stripe trigger for charge.dispute.created and charge.dispute.closed lead to those events', async () => {
    const { id, stripe, eventTypes } = await commandLine();
    const payment = { ...PAYMENT, payment_method: 'pm_card_createDisputeInquiry' };
    const intent = await id('POST', '/v1/payment_intents', payment);
    const [dispute] = (await stripe.disputes.list({ payment_intent: intent })).data;
    await id('POST', `/v1/disputes/${dispute?.id}/close`);
    expect(await eventTypes()).toEqual(
      expect.arrayContaining(['charge.dispute.created', 'charge.dispute.closed']),
    );
  });

  it('the calls of stripe trigger for customer.subscription.created, .updated and .deleted lead to those events', async () => {
    const { id, eventTypes } = await commandLine();
    const customer = await id('POST', '/v1/customers', { description: 'a trigger', ...CARD_ON_FILE });
    const product = await id('POST', '/v1/products', { name: 'myproduct', description: 'a trigger' });
    const recurring = { unit_amount: '1500', currency: 'usd', 'recurring[interval]': 'month' };
    const price = await id('POST', '/v1/prices', { product, ...recurring });
    const subscription = await id('POST', '/v1/subscriptions', { customer, 'items[0][price]': price });
    await id('POST', `/v1/subscriptions/${subscription}`, { 'metadata[foo]': 'bar' });
    await id('DELETE', `/v1/subscriptions/${subscription}`);
    const types = ['created', 'updated', 'deleted'].map((what) => `customer.subscription.${what}`);
    expect(await eventTypes()).toEqual(expect.arrayContaining(types));
  });

  it.each([
    ['pm_card_visa', 200, 'invoice.paid'],
    ['pm_card_chargeCustomerFail', 402, 'invoice.payment_failed'],
  ])('with %s, paying an invoice returns %d and sends %s', async (card, status, type) => {
    const { id, call, eventTypes } = await commandLine();
    const customer = await id('POST', '/v1/customers', { description: 'a trigger' });
    const method = await id('POST', `/v1/payment_methods/${card}/attach`, { customer });
    await id('POST', '/v1/invoiceitems', { amount: '2000', currency: 'usd', customer });
    const invoice = await id('POST', '/v1/invoices', { customer, pending_invoice_items_behavior: 'include' });
    const paid = await call('POST', `/v1/invoices/${invoice}/pay`, { payment_method: method });
    expect(paid.status).toBe(status);
    expect(await eventTypes()).toContain(type);
  });
});
