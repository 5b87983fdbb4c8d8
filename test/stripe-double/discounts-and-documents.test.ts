import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { bench, customerWith, latestInvoice, monthlyPrice, refused, subscribe } from './support.ts';

const PRO = 59_900;

const shop = async () => {
  const made = await bench();
  const who = await customerWith(made.stripe);
  const price = await monthlyPrice(made.stripe);
  const invoiceOf = async (more: Partial<Stripe.SubscriptionCreateParams> = {}) => {
    const subscription = await subscribe(made.stripe, who.customer, price.id, more);
    return made.stripe.invoices.retrieve(latestInvoice(subscription));
  };
  return { ...made, ...who, price: price.id, invoiceOf };
};

describe('a discount', () => {
  it('a percentage discount lowers the total of a line and leaves its amount unchanged', async () => {
    const { stripe, invoiceOf } = await shop();
    const coupon = await stripe.coupons.create({ percent_off: 25, duration: 'forever' });
    const invoice = await invoiceOf({ discounts: [{ coupon: coupon.id }] });
    expect(invoice).toMatchObject({ subtotal: PRO, total: 44_925, amount_paid: 44_925 });
    expect(invoice.lines.data).toMatchObject([
      { amount: PRO, discount_amounts: [{ amount: 14_975, discount: expect.stringMatching(/^di_/) }] },
    ]);
    expect(invoice.total_discount_amounts).toMatchObject([{ amount: 14_975 }]);
  });

  it('a discount in cents is divided over the lines and adds up exactly', async () => {
    const { stripe, customer } = await shop();
    const coupon = await stripe.coupons.create({ amount_off: 1_000, currency: 'usd' });
    for (const amount of [1_000, 1_000, 1_000])
      await stripe.invoiceItems.create({ customer, amount, currency: 'usd' });
    const invoice = await stripe.invoices.create({
      customer,
      pending_invoice_items_behavior: 'include',
      discounts: [{ coupon: coupon.id }],
    });
    expect(invoice.total).toBe(2_000);
    const parts = invoice.lines.data.map((line) => line.discount_amounts?.[0]?.amount);
    expect(parts).toEqual([333, 334, 333]);
  });

  it('a discount with the duration once applies to one invoice', async () => {
    const { stripe, customer, price, days } = await shop();
    const coupon = await stripe.coupons.create({ percent_off: 50, duration: 'once' });
    const { id } = await subscribe(stripe, customer, price, { discounts: [{ coupon: coupon.id }] });
    await days(32);
    const totals = (await stripe.invoices.list({ subscription: id })).data.map(({ total }) => total);
    expect(totals).toEqual([PRO, PRO / 2]);
  });

  it('a deleted coupon cannot be used', async () => {
    const { stripe, customer, price } = await shop();
    const coupon = await stripe.coupons.create({ percent_off: 50 });
    await stripe.coupons.del(coupon.id);
    const error = await refused(subscribe(stripe, customer, price, { discounts: [{ coupon: coupon.id }] }));
    expect(error).toMatchObject({ code: 'coupon_expired', param: 'discounts[0][coupon]' });
  });

  it('a proration credits the discounted price', async () => {
    const { stripe, customer, price } = await shop();
    const coupon = await stripe.coupons.create({ percent_off: 50, duration: 'forever' });
    const { id } = await subscribe(stripe, customer, price, { discounts: [{ coupon: coupon.id }] });
    await stripe.subscriptions.cancel(id, { prorate: true, invoice_now: true });
    const found = await stripe.customers.retrieve(customer);
    expect(found).toMatchObject({ balance: expect.any(Number) });
    if (!found.deleted) expect(Math.abs(found.balance + PRO / 2)).toBeLessThan(15);
  });
});

describe('tax', () => {
  it('tax is added to a line or included in it, and crediting the line returns its tax', async () => {
    const { stripe, control, invoiceOf } = await shop();
    await control('tax', { percent: 19 });
    const added = await invoiceOf();
    expect(added).toMatchObject({ subtotal: PRO, total: 71_281, total_excluding_tax: PRO });
    expect(added.lines.data[0]?.taxes).toMatchObject([{ amount: 11_381, tax_behavior: 'exclusive' }]);
    const line = added.lines.data[0]?.id ?? '';
    const note = await stripe.creditNotes.create({
      invoice: added.id,
      lines: [{ type: 'invoice_line_item', invoice_line_item: line, amount: PRO }],
      refund_amount: 71_281,
    });
    expect(note).toMatchObject({ subtotal: PRO, total: 71_281, total_taxes: [{ amount: 11_381 }] });
    await control('tax', { percent: 19, behavior: 'inclusive' });
    expect(await invoiceOf()).toMatchObject({ total: PRO, total_excluding_tax: 50_336 });
    await control('tax', { off: true });
    expect(await invoiceOf()).toMatchObject({ total: PRO, total_taxes: [] });
  });
});

describe('pages and documents for customers', () => {
  it('the invoice page, its PDF, a receipt and the PDF of a credit note open', async () => {
    const { stripe, invoiceOf } = await shop();
    const invoice = await invoiceOf();
    const [charge] = (await stripe.charges.list()).data;
    const note = await stripe.creditNotes.create({ invoice: invoice.id, amount: 100, refund_amount: 100 });
    const page = await fetch(String(invoice.hosted_invoice_url));
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('$599.00')]);
    const receipt = await fetch(String(charge?.receipt_url));
    expect([receipt.status, await receipt.text()]).toEqual([200, expect.stringContaining('Paid $599.00')]);
    for (const url of [invoice.invoice_pdf, note.pdf]) {
      const file = await fetch(String(url));
      expect(file.headers.get('content-type')).toBe('application/pdf');
      expect(await file.text()).toMatch(/^%PDF-1\.4\n.*%%EOF\n$/s);
    }
  });

  it('a draft invoice has no page', async () => {
    const { stripe, customer } = await shop();
    const draft = await stripe.invoices.create({ customer });
    expect(draft).toMatchObject({ hosted_invoice_url: null, invoice_pdf: null });
  });

  it('the page of an unpaid invoice has a button that pays with a new card or the card on file', async () => {
    const { stripe, customer, price, running } = await shop();
    const { id } = await subscribe(stripe, customer, price, { payment_behavior: 'default_incomplete' });
    const found = await stripe.subscriptions.retrieve(id);
    const invoice = await stripe.invoices.retrieve(latestInvoice(found));
    const press = (input: object) =>
      fetch(`${running.url}/do/invoices/${invoice.id}/pay`, {
        method: 'POST',
        redirect: 'manual',
        headers: { origin: running.url, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          input: JSON.stringify(input),
          back: new URL(String(invoice.hosted_invoice_url)).pathname,
        }),
      });
    expect((await press({ behavesLike: 'chargeCustomerFail' })).status).toBe(303);
    expect((await stripe.invoices.retrieve(invoice.id)).status).toBe('open');
    expect((await press({})).status).toBe(303);
    expect((await stripe.invoices.retrieve(invoice.id)).status).toBe('paid');
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('active');
  });
});

describe('money in the journal', () => {
  it('a restart from the journal restores discounts, tax, balances and credit notes', async () => {
    const journalFile = join(await mkdtemp(join(tmpdir(), 'double-money-')), 'journal');
    const before = await bench({ journalFile });
    const { stripe, control } = before;
    const { customer } = await customerWith(stripe);
    const price = await monthlyPrice(stripe);
    await control('tax', { percent: 19 });
    const coupon = await stripe.coupons.create({ percent_off: 10, duration: 'forever' });
    const subscription = await subscribe(stripe, customer, price.id, { discounts: [{ coupon: coupon.id }] });
    const item = subscription.items.data[0]?.id ?? '';
    await stripe.subscriptions.update(subscription.id, { items: [{ id: item, quantity: 2 }] });
    await stripe.creditNotes.create({
      invoice: latestInvoice(subscription),
      amount: 900,
      refund_amount: 500,
      credit_amount: 400,
    });
    await before.days(32);
    await stripe.subscriptions.cancel(subscription.id, { prorate: true, invoice_now: true });
    const kept = JSON.stringify(before.running.double.state.balanceEntries.newestFirst);
    const invoices = JSON.stringify(before.running.double.state.invoices.newestFirst);
    await before.running.stop();
    const after = await bench({ journalFile });
    expect(JSON.stringify(after.running.double.state.balanceEntries.newestFirst)).toBe(kept);
    expect(JSON.stringify(after.running.double.state.invoices.newestFirst)).toBe(invoices);
  });
});
