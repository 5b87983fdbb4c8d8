import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  bench,
  customerWith,
  latestInvoice,
  monthlyPrice,
  offSession,
  refused,
  subscribe,
} from './support.ts';

const PRO = 59_900;

/** A stand-in with a customer and an open, unpaid invoice of one Pro period. */
const openInvoice = async () => {
  const made = await bench();
  const who = await customerWith(made.stripe);
  const price = await monthlyPrice(made.stripe);
  const subscription = await subscribe(made.stripe, who.customer, price.id, {
    payment_behavior: 'default_incomplete',
  });
  const invoice = latestInvoice(subscription);
  const pay = async (amount: number) => (await made.stripe.paymentIntents.create(offSession(who, amount))).id;
  return { ...made, ...who, price: price.id, subscription: subscription.id, invoice, pay };
};

/** A stand-in with a customer, and an invoice of one Pro period that their card paid. */
const paidInvoice = async () => {
  const made = await bench();
  const who = await customerWith(made.stripe);
  const price = await monthlyPrice(made.stripe);
  const subscription = await subscribe(made.stripe, who.customer, price.id);
  return { ...made, ...who, price: price.id, invoice: latestInvoice(subscription) };
};

const balanceOf = async (stripe: Stripe, customer: string) => {
  const found = await stripe.customers.retrieve(customer);
  return found.deleted ? null : found.balance;
};

describe('an invoice of several payments', () => {
  it('an invoice is paid once its partial payments of $300 and $299 reach the amount due', async () => {
    const { stripe, invoice, pay, subscription, eventTypes } = await openInvoice();
    const first = await stripe.invoices.attachPayment(invoice, { payment_intent: await pay(30_000) });
    expect(first).toMatchObject({ status: 'open', amount_paid: 30_000, amount_remaining: 29_900 });
    expect(await eventTypes()).not.toContain('invoice.paid');
    const second = await stripe.invoices.attachPayment(invoice, { payment_intent: await pay(29_900) });
    expect(second).toMatchObject({ status: 'paid', amount_paid: PRO, amount_remaining: 0, amount_due: PRO });
    expect((await stripe.subscriptions.retrieve(subscription)).status).toBe('active');
    const paid = (await stripe.invoicePayments.list({ invoice, status: 'paid' })).data;
    expect(paid.map((one) => one.amount_paid)).toEqual([29_900, 30_000]);
    expect((await eventTypes()).filter((type) => type.startsWith('invoice'))).toEqual([
      'invoice.created',
      'invoice.finalized',
      'invoice_payment.paid',
      'invoice.updated',
      'invoice_payment.paid',
      'invoice.paid',
      'invoice.payment_succeeded',
    ]);
  });

  it('the default payment charges only the remainder, and is canceled when nothing remains', async () => {
    const { stripe, invoice, pay } = await openInvoice();
    await stripe.invoices.attachPayment(invoice, { payment_intent: await pay(30_000) });
    const [open] = (await stripe.invoicePayments.list({ invoice, status: 'open' })).data;
    const intent = String(open?.payment.payment_intent);
    expect(open).toMatchObject({ is_default: true, amount_requested: 29_900 });
    expect(await stripe.paymentIntents.retrieve(intent)).toMatchObject({ amount: 29_900 });
    await stripe.invoices.attachPayment(invoice, { payment_intent: await pay(29_900) });
    expect(await stripe.paymentIntents.retrieve(intent)).toMatchObject({ status: 'canceled' });
  });

  it('the default payment pays what an attached partial payment left open', async () => {
    const { stripe, invoice, pay, method } = await openInvoice();
    await stripe.invoices.attachPayment(invoice, { payment_intent: await pay(30_000) });
    const paid = await stripe.invoices.pay(invoice, { payment_method: method });
    expect(paid).toMatchObject({ status: 'paid', amount_paid: PRO });
    const [charge] = (await stripe.charges.list()).data;
    expect(charge?.amount).toBe(29_900);
  });

  it('an attached payment counts once it succeeds and is dropped if it is canceled', async () => {
    const { stripe, invoice, customer, method } = await openInvoice();
    const waiting = (amount: number) =>
      stripe.paymentIntents.create({
        amount,
        currency: 'usd',
        customer,
        payment_method: method,
        allowed_payment_method_types: ['card'],
      });
    const later = await waiting(30_000);
    const never = await waiting(10_000);
    await stripe.invoices.attachPayment(invoice, { payment_intent: later.id });
    await stripe.invoices.attachPayment(invoice, { payment_intent: never.id });
    expect(await stripe.invoices.retrieve(invoice)).toMatchObject({ amount_paid: 0 });
    await stripe.paymentIntents.confirm(later.id);
    await stripe.paymentIntents.cancel(never.id);
    expect(await stripe.invoices.retrieve(invoice)).toMatchObject({ amount_paid: 30_000, status: 'open' });
    const byPayment = await stripe.invoicePayments.list({
      payment: { type: 'payment_intent', payment_intent: never.id },
    });
    expect(byPayment.data).toMatchObject([{ status: 'canceled', amount_paid: null }]);
  });

  it('an overpayment is credited to the customer’s balance', async () => {
    const { stripe, invoice, pay, customer, eventTypes } = await openInvoice();
    const paid = await stripe.invoices.attachPayment(invoice, { payment_intent: await pay(70_000) });
    expect(paid).toMatchObject({ status: 'paid', amount_paid: PRO, amount_overpaid: 10_100 });
    expect((await stripe.customers.listBalanceTransactions(customer)).data).toMatchObject([
      { type: 'invoice_overpaid', amount: -10_100, ending_balance: -10_100, invoice },
    ]);
    expect(await eventTypes()).toContain('invoice.overpaid');
  });

  it('an invoice accepts no payment of another customer, no payment twice, and none once it is paid', async () => {
    const { stripe, invoice, pay } = await openInvoice();
    const other = await customerWith(stripe);
    const foreign = await stripe.paymentIntents.create(offSession(other, 1_000));
    const attach = (intent: string) => stripe.invoices.attachPayment(invoice, { payment_intent: intent });
    expect(await refused(attach(foreign.id))).toMatchObject({ param: 'payment_intent' });
    const part = await pay(30_000);
    await attach(part);
    expect(await refused(attach(part))).toMatchObject({ param: 'payment_intent' });
    await attach(await pay(29_900));
    expect(await refused(attach(await pay(1_000)))).toMatchObject({ statusCode: 400 });
  });

  it('one payment can pay parts of two invoices', async () => {
    const { stripe, customer, method, pay } = await openInvoice();
    const bill = async (amount: number) => {
      await stripe.invoiceItems.create({ customer, amount, currency: 'usd' });
      const { id } = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' });
      return (await stripe.invoices.finalizeInvoice(id)).id;
    };
    const [small, large] = [await bill(1_000), await bill(2_000)];
    const intent = await stripe.paymentIntents.create({
      amount: 2_500,
      currency: 'usd',
      customer,
      allowed_payment_method_types: ['card'],
    });
    for (const id of [small, large]) await stripe.invoices.attachPayment(id, { payment_intent: intent.id });
    await stripe.paymentIntents.confirm(intent.id, { payment_method: method });
    expect(await stripe.invoices.retrieve(small)).toMatchObject({ status: 'paid', amount_paid: 1_000 });
    expect(await stripe.invoices.retrieve(large)).toMatchObject({ status: 'open', amount_paid: 1_500 });
    await stripe.invoices.attachPayment(large, { payment_intent: await pay(500) });
    expect((await stripe.invoices.retrieve(large)).status).toBe('paid');
  });
});

describe('a credit note', () => {
  it('a credit note for the whole of an open invoice closes it without a payment', async () => {
    const { stripe, invoice, subscription, eventTypes } = await openInvoice();
    const note = await stripe.creditNotes.create({ invoice, amount: PRO });
    expect(note).toMatchObject({
      type: 'pre_payment',
      status: 'issued',
      pre_payment_amount: PRO,
      post_payment_amount: 0,
      refunds: [],
    });
    expect(await stripe.invoices.retrieve(invoice)).toMatchObject({
      status: 'paid',
      total: PRO,
      amount_due: 0,
      amount_paid: 0,
      amount_remaining: 0,
      pre_payment_credit_notes_amount: PRO,
    });
    expect((await stripe.charges.list()).data).toEqual([]);
    expect((await stripe.subscriptions.retrieve(subscription)).status).toBe('active');
    expect((await eventTypes()).filter((type) => /^(credit_note|invoice)\./.test(type)).slice(2)).toEqual([
      'credit_note.created',
      'invoice.updated',
      'invoice.paid',
      'invoice.payment_succeeded',
    ]);
  });

  it('a credit note for a part of an open invoice leaves the rest due, and voiding the note adds it again', async () => {
    const { stripe, invoice, eventTypes } = await openInvoice();
    const note = await stripe.creditNotes.create({ invoice, amount: 9_900, memo: 'first' });
    expect(await stripe.invoices.retrieve(invoice)).toMatchObject({
      status: 'open',
      amount_due: 50_000,
      amount_remaining: 50_000,
    });
    const [payment] = (await stripe.invoicePayments.list({ invoice })).data;
    expect(payment?.amount_requested).toBe(50_000);
    expect(await stripe.creditNotes.update(note.id, { memo: 'second' })).toMatchObject({ memo: 'second' });
    expect(await stripe.creditNotes.voidCreditNote(note.id)).toMatchObject({ status: 'void' });
    expect(await stripe.invoices.retrieve(invoice)).toMatchObject({
      amount_due: PRO,
      pre_payment_credit_notes_amount: 0,
    });
    expect((await eventTypes()).filter((type) => type.startsWith('credit_note'))).toEqual([
      'credit_note.created',
      'credit_note.updated',
      'credit_note.voided',
    ]);
  });

  it('a credit note for a paid invoice refunds, credits or counts outside payments, and must add up', async () => {
    const { stripe, invoice, customer } = await paidInvoice();
    const parts = { refund_amount: 10_000, credit_amount: 5_000, out_of_band_amount: 900 };
    const short = await refused(stripe.creditNotes.create({ invoice, amount: 16_000, ...parts }));
    expect(short).toMatchObject({ statusCode: 400, message: expect.stringContaining('15900') });
    const note = await stripe.creditNotes.create({
      invoice,
      amount: 15_900,
      ...parts,
      reason: 'order_change',
      email_type: 'none',
      expand: ['refunds.refund', 'customer_balance_transaction'],
    });
    expect(note).toMatchObject({
      type: 'post_payment',
      post_payment_amount: 15_900,
      out_of_band_amount: 900,
      refunds: [{ amount_refunded: 10_000, refund: { amount: 10_000, status: 'succeeded' } }],
      customer_balance_transaction: { type: 'credit_note', amount: -5_000, credit_note: note.id },
    });
    expect(await stripe.invoices.retrieve(invoice)).toMatchObject({
      status: 'paid',
      amount_paid: PRO,
      post_payment_credit_notes_amount: 15_900,
    });
    expect(await balanceOf(stripe, customer)).toBe(-5_000);
    expect(await refused(stripe.creditNotes.voidCreditNote(note.id))).toMatchObject({ statusCode: 400 });
    expect((await stripe.creditNotes.list({ invoice })).data.map(({ id }) => id)).toEqual([note.id]);
  });

  it('a credit note counts an earlier refund only once', async () => {
    const { stripe, invoice } = await paidInvoice();
    const [charge] = (await stripe.charges.list()).data;
    const refund = await stripe.refunds.create({ charge: charge?.id ?? '', amount: 20_000 });
    const link = { invoice, amount: 20_000, refunds: [{ refund: refund.id }] };
    const over = await refused(stripe.creditNotes.create({ invoice, amount: PRO, refund_amount: PRO }));
    expect(over.message).toContain('39900');
    const note = await stripe.creditNotes.create({ ...link, amount: 20_000 });
    expect(note.refunds).toMatchObject([{ amount_refunded: 20_000, refund: refund.id }]);
    expect(await refused(stripe.creditNotes.create(link))).toMatchObject({ statusCode: 400 });
    expect((await stripe.refunds.list()).data).toHaveLength(1);
  });

  it('a credit note names the lines that it credits, in full or in part', async () => {
    const { stripe, invoice } = await paidInvoice();
    const [line] = (await stripe.invoices.listLineItems(invoice)).data;
    const note = await stripe.creditNotes.create({
      invoice,
      lines: [
        { type: 'invoice_line_item', invoice_line_item: line?.id ?? '', amount: 29_950 },
        { type: 'custom_line_item', description: 'Goodwill', unit_amount: 50, quantity: 1 },
      ],
      refund_amount: 30_000,
    });
    expect(note.total).toBe(30_000);
    expect((await stripe.creditNotes.listLineItems(note.id)).data).toMatchObject([
      { amount: 29_950, invoice_line_item: line?.id, type: 'invoice_line_item' },
      { amount: 50, type: 'custom_line_item', unit_amount: 50 },
    ]);
  });

  it('a credit note refunds an invoice with two payments from both of them', async () => {
    const { stripe, invoice, pay } = await openInvoice();
    await stripe.invoices.attachPayment(invoice, { payment_intent: await pay(30_000) });
    await stripe.invoices.attachPayment(invoice, { payment_intent: await pay(29_900) });
    const note = await stripe.creditNotes.create({ invoice, amount: 40_000, refund_amount: 40_000 });
    expect(note.refunds.map((one) => one.amount_refunded)).toEqual([29_900, 10_100]);
  });

  it('previewing a credit note changes nothing', async () => {
    const { stripe, invoice } = await paidInvoice();
    const preview = await stripe.creditNotes.preview({ invoice, amount: 100, refund_amount: 100 });
    expect(preview).toMatchObject({ object: 'credit_note', total: 100 });
    expect((await stripe.creditNotes.list()).data).toEqual([]);
    expect((await stripe.refunds.list()).data).toEqual([]);
  });
});

describe('the balance of a customer', () => {
  it('the customer balance has an entry for each change, and the last entry has the balance', async () => {
    const { stripe, customer } = await paidInvoice();
    const entry = await stripe.customers.createBalanceTransaction(customer, {
      amount: -70_000,
      currency: 'usd',
      description: 'Goodwill',
    });
    expect(entry).toMatchObject({ type: 'adjustment', amount: -70_000, ending_balance: -70_000 });
    expect(await stripe.customers.retrieveBalanceTransaction(customer, entry.id)).toMatchObject({
      description: 'Goodwill',
    });
    await stripe.customers.update(customer, { balance: -60_000 });
    const entries = (await stripe.customers.listBalanceTransactions(customer)).data;
    expect(entries.map(({ amount }) => amount)).toEqual([10_000, -70_000]);
    expect(await balanceOf(stripe, customer)).toBe(-60_000);
  });

  it('the customer balance pays an invoice when it is finalized, and leaves its total unchanged', async () => {
    const { stripe, customer, price } = await paidInvoice();
    await stripe.customers.createBalanceTransaction(customer, { amount: -70_000, currency: 'usd' });
    const again = await subscribe(stripe, customer, price);
    const invoice = await stripe.invoices.retrieve(latestInvoice(again));
    expect(invoice).toMatchObject({
      status: 'paid',
      total: PRO,
      amount_due: 0,
      amount_paid: 0,
      starting_balance: -70_000,
      ending_balance: -10_100,
    });
    const entries = (await stripe.customers.listBalanceTransactions(customer, { invoice: invoice.id })).data;
    expect(entries).toMatchObject([{ type: 'applied_to_invoice', amount: PRO, ending_balance: -10_100 }]);
  });

  it('voiding an invoice returns what it used of the customer balance', async () => {
    const { stripe, customer } = await paidInvoice();
    await stripe.customers.createBalanceTransaction(customer, { amount: -500, currency: 'usd' });
    await stripe.invoiceItems.create({ customer, amount: 2_000, currency: 'usd' });
    const { id } = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' });
    expect(await stripe.invoices.finalizeInvoice(id)).toMatchObject({ amount_due: 1_500, total: 2_000 });
    expect(await balanceOf(stripe, customer)).toBe(0);
    await stripe.invoices.voidInvoice(id);
    expect(await balanceOf(stripe, customer)).toBe(-500);
    const [entry] = (await stripe.customers.listBalanceTransactions(customer)).data;
    expect(entry).toMatchObject({ type: 'unapplied_from_invoice', amount: -500, invoice: id });
  });

  it('a negative invoice is credited to the balance, and an invoice below the minimum is added as debt', async () => {
    const { stripe, customer } = await paidInvoice();
    const bill = async (amount: number) => {
      await stripe.invoiceItems.create({ customer, amount, currency: 'usd' });
      const { id } = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' });
      return stripe.invoices.finalizeInvoice(id);
    };
    expect(await bill(30)).toMatchObject({ status: 'paid', amount_due: 0, ending_balance: 30 });
    expect(await balanceOf(stripe, customer)).toBe(30);
    expect(await bill(-1_000)).toMatchObject({ status: 'paid', total: -1_000, amount_due: 0 });
    expect(await balanceOf(stripe, customer)).toBe(-970);
    const types = (await stripe.customers.listBalanceTransactions(customer)).data.map(({ type }) => type);
    expect(types).toEqual(['invoice_too_small', 'invoice_too_small']);
  });

  it('a rejected subscription leaves the customer balance unchanged', async () => {
    const { stripe, price } = await paidInvoice();
    const { customer } = await customerWith(stripe, 'pm_card_chargeCustomerFail');
    await stripe.customers.createBalanceTransaction(customer, { amount: -500, currency: 'usd' });
    await refused(subscribe(stripe, customer, price));
    expect(await balanceOf(stripe, customer)).toBe(-500);
    expect((await stripe.customers.listBalanceTransactions(customer)).data).toHaveLength(1);
  });
});
