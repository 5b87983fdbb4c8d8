import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultSwitches, SWITCH_NAMES, switchTable } from '../../local/stripe-double/switches.ts';
import {
  type Bench,
  bench,
  customerWith,
  monthlyPrice,
  offSession,
  post,
  refused,
  subscribe,
} from './support.ts';

const FOLDER = new URL('../../local/stripe-double/', import.meta.url).pathname;

const eventOf = async ({ stripe }: Bench, type: string) => (await stripe.events.list({ type })).data[0];

/** A bench with one switch set. */
async function benchWith(switches: Record<string, string>): Promise<Bench> {
  const made = await bench();
  await made.control('switches', switches);
  return made;
}

describe('the table of switches', () => {
  it('the README lists every switch with its values, default and source', () => {
    const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
    for (const { name, values, default: usual, unknown, where } of switchTable(defaultSwitches())) {
      const shown = values.map((value) => (value === usual ? `**\`${value}\`**` : `\`${value}\``));
      expect(readme).toContain(`| \`${name}\` | ${shown.join(', ')} | ${unknown} | ${where} |`);
    }
  });

  it('the double’s code reads every switch', () => {
    const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && file !== 'switches.ts',
    );
    const code = files.map((file) => readFileSync(join(FOLDER, file), 'utf8')).join('\n');
    expect(SWITCH_NAMES.filter((name) => !code.includes(name))).toEqual([]);
  });

  it('a switch with an unknown name or value is rejected', async () => {
    const { running } = await bench();
    const set = (input: object) => post(`${running.url}/_double/switches`, input);
    expect((await set({ nothing: 'yes' })).status).toBe(400);
    expect((await set({ inquiry_escalation: 'sometimes' })).status).toBe(400);
    expect((await set({ inquiry_escalation: 'new_dispute' })).status).toBe(200);
  });

  it('a reset sets every switch to its default', async () => {
    const { control } = await benchWith({ detached_customer: 'kept' });
    expect(await control('switches/reset')).toEqual(defaultSwitches());
  });

  it('the page of the switches shows each with a button for each other value', async () => {
    const { running } = await bench();
    const page = await (await fetch(`${running.url}/switches`)).text();
    for (const name of SWITCH_NAMES) expect(page).toContain(name);
    expect(page).toContain('<button>new_dispute</button>');
  });
});

describe('each switch decides one fact', () => {
  it.each([
    ['present', { amount_refunded: 0, refunded: false }],
    ['absent', undefined],
  ])('charge_refunded_previous: previous_attributes of charge.refunded are %s', async (value, previous) => {
    const made = await benchWith({ charge_refunded_previous: value });
    const who = await customerWith(made.stripe);
    const { id } = await made.stripe.paymentIntents.create(offSession(who));
    await made.stripe.refunds.create({ payment_intent: id });
    expect((await eventOf(made, 'charge.refunded'))?.data.previous_attributes).toEqual(previous);
  });

  it.each([
    ['present', true],
    ['absent', false],
  ])('authentication_required_charge: the charge is %s', async (value, present) => {
    const { stripe } = await benchWith({ authentication_required_charge: value });
    const who = await customerWith(stripe, 'pm_card_authenticationRequired');
    const error = await refused(stripe.paymentIntents.create(offSession(who)));
    expect(error.code).toBe('authentication_required');
    expect(error.charge !== undefined).toBe(present);
  });

  it.each([
    ['do_not_honor', 'do_not_honor'],
    ['none', undefined],
  ])('customer_fail_decline_code: the decline code is %s', async (value, declineCode) => {
    const { stripe } = await benchWith({ customer_fail_decline_code: value });
    const who = await customerWith(stripe, 'pm_card_chargeCustomerFail');
    const error = await refused(stripe.paymentIntents.create(offSession(who)));
    expect(error).toMatchObject({ code: 'card_declined' });
    expect(error.decline_code || undefined).toBe(declineCode);
  });

  it.each([
    ['payment', ['payment_intent.created', 'charge.failed', 'payment_intent.payment_failed']],
    ['none', []],
    ['all', ['invoice.created', 'invoice.payment_failed']],
  ])('declined_subscription_events: %s', async (value, expected) => {
    const made = await benchWith({ declined_subscription_events: value });
    const who = await customerWith(made.stripe, 'pm_card_chargeCustomerFail');
    const price = await monthlyPrice(made.stripe);
    const before = (await made.eventTypes()).length;
    await refused(subscribe(made.stripe, who.customer, price.id));
    const sentTypes = (await made.eventTypes()).slice(before);
    expect(sentTypes).toEqual(expect.arrayContaining(expected));
    if (value === 'none') expect(sentTypes).toEqual([]);
    if (value === 'payment') expect(sentTypes.some((type) => type.startsWith('invoice.'))).toBe(false);
  });

  it.each(['null', 'kept'])('detached_customer: the event shows the customer as %s', async (value) => {
    const made = await benchWith({ detached_customer: value });
    const who = await customerWith(made.stripe);
    await made.stripe.paymentMethods.detach(who.method);
    const event = await eventOf(made, 'payment_method.detached');
    expect(event?.data.object).toMatchObject({ customer: value === 'null' ? null : who.customer });
    expect((await made.stripe.paymentMethods.retrieve(who.method)).customer).toBeNull();
  });

  it.each([
    ['sent', 1],
    ['not_sent', 0],
  ])('detach_customer_updated: customer.updated is %s after a detach', async (value, count) => {
    const made = await benchWith({ detach_customer_updated: value });
    const who = await customerWith(made.stripe);
    const before = (await made.eventTypes()).length;
    await made.stripe.paymentMethods.detach(who.method);
    const sentTypes = (await made.eventTypes()).slice(before).filter((type) => type === 'customer.updated');
    expect(sentTypes).toHaveLength(count);
    const customer = await made.stripe.customers.retrieve(who.customer);
    expect(customer).toMatchObject({ invoice_settings: { default_payment_method: null } });
  });

  it('idempotency_conflict_type: the error has the chosen type', async () => {
    const { stripe, control } = await benchWith({ idempotency_conflict_type: 'api_error' });
    await control('faults', { path: '/v1/customers', kind: '409' });
    const error = await refused(stripe.customers.create());
    expect(error).toMatchObject({ statusCode: 409, rawType: 'api_error', code: 'idempotency_key_in_use' });
  });

  it('return_url_with_allowed_types: a confirmation without return_url is rejected if it is required', async () => {
    const { stripe } = await benchWith({ return_url_with_allowed_types: 'required' });
    const who = await customerWith(stripe);
    expect(await refused(stripe.paymentIntents.create(offSession(who)))).toMatchObject({
      statusCode: 400,
      param: 'return_url',
    });
  });

  it('next_action_with_return_url: a browser is sent to a page of the double', async () => {
    const { stripe, running } = await benchWith({ next_action_with_return_url: 'redirect_to_url' });
    const who = await customerWith(stripe, 'pm_card_authenticationRequired');
    const back = 'https://app.example/back';
    const { off_session: _, ...onSession } = offSession(who);
    const intent = await stripe.paymentIntents.create({ ...onSession, return_url: back });
    expect(intent.next_action?.redirect_to_url?.return_url).toBe(back);
    expect(intent.next_action?.redirect_to_url?.url).toBe(`${running.url}/authenticate/${intent.id}`);
  });

  it.each(['yes', 'no'])('period_end_sets_cancel_at: %s, and the subscription ends', async (value) => {
    const made = await benchWith({ period_end_sets_cancel_at: value });
    const who = await customerWith(made.stripe);
    const price = await monthlyPrice(made.stripe);
    const { id } = await subscribe(made.stripe, who.customer, price.id);
    const ending = await made.stripe.subscriptions.update(id, { cancel_at_period_end: true });
    expect(ending.cancel_at_period_end).toBe(true);
    expect(ending.cancel_at !== null).toBe(value === 'yes');
    await made.days(32);
    expect((await made.stripe.subscriptions.retrieve(id)).status).toBe('canceled');
  });

  it('period_end_false_clears: a cancel_at that is not the end of the period can remain', async () => {
    const { stripe, running } = await benchWith({ period_end_false_clears: 'period_end_only' });
    const who = await customerWith(stripe);
    const price = await monthlyPrice(stripe);
    const { id } = await subscribe(stripe, who.customer, price.id);
    const at = running.double.clock.nowSeconds + 200 * 86_400;
    await stripe.subscriptions.update(id, { cancel_at: at });
    const kept = await stripe.subscriptions.update(id, { cancel_at_period_end: false });
    expect(kept.cancel_at).toBe(at);
    expect((await stripe.subscriptions.update(id, { cancel_at: '' })).cancel_at).toBeNull();
  });

  it.each(['clears', 'refused'])('empty_subscription_default: %s', async (value) => {
    const { stripe } = await benchWith({ empty_subscription_default: value });
    const who = await customerWith(stripe);
    const price = await monthlyPrice(stripe);
    const { id } = await subscribe(stripe, who.customer, price.id, { default_payment_method: who.method });
    const clearing = stripe.subscriptions.update(id, { default_payment_method: '' });
    if (value === 'refused') expect(await refused(clearing)).toMatchObject({ statusCode: 400 });
    else expect((await clearing).default_payment_method).toBeNull();
  });

  it.each([
    ['when_declined', true],
    ['always', true],
    ['never', false],
  ])('payment_failed_beside_action_required: %s', async (value, isSent) => {
    const made = await benchWith({ payment_failed_beside_action_required: value });
    const who = await customerWith(made.stripe, 'pm_card_authenticationRequired');
    const price = await monthlyPrice(made.stripe);
    await subscribe(made.stripe, who.customer, price.id, { payment_behavior: 'allow_incomplete' });
    const types = await made.eventTypes();
    expect(types).toContain('invoice.payment_action_required');
    expect(types.includes('invoice.payment_failed')).toBe(isSent);
  });

  it('trial_end_billing_reason: the invoice after a trial has the chosen reason', async () => {
    const made = await benchWith({ trial_end_billing_reason: 'subscription_update' });
    const who = await customerWith(made.stripe);
    const price = await monthlyPrice(made.stripe);
    await subscribe(made.stripe, who.customer, price.id, { trial_period_days: 3 });
    await made.days(4);
    const reasons = (await made.stripe.invoices.list()).data.map((one) => one.billing_reason);
    expect(reasons).toEqual(['subscription_update', 'subscription_create']);
  });

  it('invoice_pay_authentication_code: paying an invoice fails with the chosen code', async () => {
    const code = 'invoice_payment_intent_requires_action';
    const { stripe } = await benchWith({ invoice_pay_authentication_code: code });
    const who = await customerWith(stripe, 'pm_card_authenticationRequired');
    await stripe.invoiceItems.create({ customer: who.customer, amount: 500, currency: 'usd' });
    const invoice = await stripe.invoices.create({
      customer: who.customer,
      pending_invoice_items_behavior: 'include',
    });
    await stripe.invoices.finalizeInvoice(invoice.id);
    expect(await refused(stripe.invoices.pay(invoice.id))).toMatchObject({ statusCode: 402, code });
  });
});
