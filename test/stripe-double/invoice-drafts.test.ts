import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { bench, customerWith, monthlyPrice, refused, subscribe } from './support.ts';

async function draft(more: Partial<Stripe.InvoiceCreateParams> = {}) {
  const made = await bench();
  const { customer } = await customerWith(made.stripe);
  const { id: invoice } = await made.stripe.invoices.create({ customer, ...more });
  return { ...made, customer, invoice };
}

const shown = ({ lines, total }: Stripe.Invoice) => ({
  lines: lines.data.map(({ amount, description }) => [description, amount]),
  total,
});

describe('the lines of a draft', () => {
  it('adding, changing and removing draft lines updates the totals and the invoice items', async () => {
    const { stripe, customer, invoice, eventTypes } = await draft();
    const waiting = await stripe.invoiceItems.create({ customer, amount: 700, currency: 'usd' });
    const added = await stripe.invoices.addLines(invoice, {
      lines: [
        { amount: 5_000, description: 'Onboarding' },
        { amount: 900, description: 'Travel' },
        { invoice_item: waiting.id },
      ],
    });
    expect(added.total).toBe(6_600);
    const [onboarding, travel, found] = added.lines.data.map(({ id }) => id);
    await stripe.invoices.updateLines(invoice, { lines: [{ id: onboarding ?? '', amount: 4_000 }] });
    await stripe.invoices.updateLineItem(invoice, travel ?? '', { amount: 800 });
    const items = (await stripe.invoiceItems.list({ invoice })).data.map(({ amount }) => amount);
    expect(items).toEqual([800, 4_000, 700]);
    const left = await stripe.invoices.removeLines(invoice, {
      lines: [
        { id: travel ?? '', behavior: 'delete' },
        { id: found ?? '', behavior: 'unassign' },
      ],
    });
    expect(shown(left)).toEqual({ lines: [['Onboarding', 4_000]], total: 4_000 });
    const pending = (await stripe.invoiceItems.list({ customer, pending: true })).data;
    expect(pending.map(({ id }) => id)).toEqual([waiting.id]);
    expect((await eventTypes()).filter((type) => type === 'invoice.updated')).toHaveLength(4);
    await stripe.invoices.finalizeInvoice(invoice);
    expect(await stripe.invoices.pay(invoice)).toMatchObject({ status: 'paid', amount_paid: 4_000 });
  });

  it('the lines of a final invoice cannot be changed', async () => {
    const { stripe, invoice } = await draft();
    await stripe.invoices.addLines(invoice, { lines: [{ amount: 100 }] });
    await stripe.invoices.finalizeInvoice(invoice);
    const late = stripe.invoices.addLines(invoice, { lines: [{ amount: 100 }] });
    expect(await refused(late)).toMatchObject({ code: 'invoice_not_editable' });
    await refused(stripe.invoices.del(invoice));
  });

  it('the price of a subscription’s own line cannot be changed', async () => {
    const { stripe, running } = await bench();
    const { customer } = await customerWith(stripe);
    const { id: price } = await monthlyPrice(stripe);
    await subscribe(stripe, customer, price);
    const [subscription] = (await stripe.subscriptions.list({ customer })).data;
    await running.double.advanceTo((subscription?.items.data[0]?.current_period_end ?? 0) + 60);
    const renewal = running.double.state.invoices.newestFirst[0];
    if (renewal?.status !== 'draft') throw new Error('the renewal is no draft');
    const id = renewal.lines.data[0]?.id ?? '';
    await refused(stripe.invoices.updateLines(renewal.id, { lines: [{ id, amount: 1 }] }));
    await refused(stripe.invoices.removeLines(renewal.id, { lines: [{ id, behavior: 'delete' }] }));
    const named = await stripe.invoices.updateLines(renewal.id, { lines: [{ id, description: 'Pro' }] });
    expect(shown(named).lines).toEqual([['Pro', 59_900]]);
  });
});

describe('a draft', () => {
  it('deleting a draft also deletes its items', async () => {
    const { stripe, customer, invoice, eventTypes } = await draft();
    await stripe.invoices.addLines(invoice, { lines: [{ amount: 100 }] });
    expect(await stripe.invoices.del(invoice)).toEqual(
      expect.objectContaining({ id: invoice, object: 'invoice', deleted: true }),
    );
    expect((await stripe.invoiceItems.list({ customer })).data).toEqual([]);
    expect((await eventTypes()).slice(-2)).toEqual(['invoiceitem.deleted', 'invoice.deleted']);
  });

  it('sending a draft finalizes it, and it becomes overdue only once', async () => {
    const { stripe, invoice, days, eventTypes } = await draft({
      collection_method: 'send_invoice',
      days_until_due: 14,
    });
    await stripe.invoices.addLines(invoice, { lines: [{ amount: 5_000 }] });
    expect(await stripe.invoices.sendInvoice(invoice)).toMatchObject({ status: 'open', amount_due: 5_000 });
    await stripe.invoices.sendInvoice(invoice);
    await days(15);
    const sentTypes = (await eventTypes()).filter((type) =>
      ['invoice.sent', 'invoice.overdue'].includes(type),
    );
    expect(sentTypes).toEqual(['invoice.sent', 'invoice.sent', 'invoice.overdue']);
  });

  it('an invoice that is charged automatically cannot be sent, and a sent invoice needs a due date', async () => {
    const { stripe, customer, invoice } = await draft();
    await refused(stripe.invoices.sendInvoice(invoice));
    await refused(stripe.invoices.create({ customer, collection_method: 'send_invoice' }));
    await refused(stripe.invoices.create({ customer, days_until_due: 3 }));
  });
});
