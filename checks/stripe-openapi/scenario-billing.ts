import { type Account, customerWith } from './scenario-steps.ts';

/*
 * The part of the scenario with bills that are more than a price: discounts, tax, seats that change within a
 * period, cancellations with credit, trials, paused collection, and sent invoices.
 */

const DAY_SECONDS = 24 * 60 * 60;

export async function billOtherwise(account: Account, price: string): Promise<void> {
  await discount(account, price);
  await tax(account, price);
  await changeSeats(account, price);
  await sendInvoices(account, price);
  await editItems(account);
}

async function discount(account: Account, price: string): Promise<void> {
  const { stripe } = account;
  const { id } = await customerWith(account, 'pm_card_visa');
  const share = await stripe.coupons.create({
    percent_off: 12.5,
    duration: 'repeating',
    duration_in_months: 3,
  });
  await stripe.coupons.update(share.id, { name: 'Spring' });
  await stripe.coupons.retrieve(share.id);
  await stripe.subscriptions.create({
    customer: id,
    items: [{ price }],
    discounts: [{ coupon: share.id }],
    expand: ['latest_invoice', 'discounts'],
  });
  const cents = await stripe.coupons.create({ amount_off: 500, currency: 'usd', name: 'Five dollars' });
  await stripe.invoices.create({ customer: id, discounts: [{ coupon: cents.id }] });
  await stripe.coupons.del(cents.id);
}

async function tax(account: Account, price: string): Promise<void> {
  const { stripe, control } = account;
  for (const behavior of ['exclusive', 'inclusive']) {
    await control('tax', { percent: 19, behavior });
    const { id } = await customerWith(account, 'pm_card_visa');
    const { latest_invoice: invoice } = await stripe.subscriptions.create({
      customer: id,
      items: [{ price }],
      expand: ['latest_invoice'],
    });
    if (invoice === null || typeof invoice === 'string') throw new Error('an invoice was not expanded');
    const [line] = invoice.lines.data;
    if (line === undefined) throw new Error('an invoice without lines');
    await stripe.creditNotes.create({
      invoice: invoice.id,
      lines: [{ type: 'invoice_line_item', invoice_line_item: line.id, amount: line.amount }],
      refund_amount: invoice.total,
    });
  }
  await control('tax', { off: true });
}

async function changeSeats(account: Account, price: string): Promise<void> {
  const { stripe, control } = account;
  const { id } = await customerWith(account, 'pm_card_visa');
  const { id: subscription, items } = await stripe.subscriptions.create({ customer: id, items: [{ price }] });
  const item = items.data[0]?.id ?? '';
  await control('clock', { seconds: DAY_SECONDS });
  await stripe.subscriptions.update(subscription, { items: [{ id: item, quantity: 2 }] });
  await stripe.invoiceItems.list({ pending: true });
  await stripe.subscriptions.update(subscription, {
    items: [{ id: item, quantity: 3 }],
    proration_behavior: 'always_invoice',
  });
  await stripe.subscriptions.update(subscription, { pause_collection: { behavior: 'mark_uncollectible' } });
  await stripe.subscriptions.update(subscription, { pause_collection: '' });
  await stripe.subscriptions.update(subscription, { billing_cycle_anchor: { type: 'now' } });
  await stripe.subscriptions.update(subscription, { items: [{ id: item, quantity: 1 }] });
  await stripe.subscriptions.cancel(subscription);
  const again = await stripe.subscriptions.create({
    customer: id,
    items: [{ price }],
    trial_period_days: 1,
    add_invoice_items: [
      { price_data: { currency: 'usd', product: await productOf(account), unit_amount: 500 } },
    ],
  });
  await stripe.subscriptions.update(again.id, { trial_end: 'now' });
  await stripe.subscriptions.cancel(again.id, { prorate: true, invoice_now: true });
}

async function productOf({ stripe }: Account): Promise<string> {
  return (await stripe.products.create({ name: 'Set-up' })).id;
}

async function sendInvoices(account: Account, price: string): Promise<void> {
  const { stripe, control } = account;
  const { id } = await customerWith(account, 'pm_card_visa');
  await stripe.subscriptions.create({
    customer: id,
    items: [{ price }],
    collection_method: 'send_invoice',
    days_until_due: 1,
  });
  await control('clock', { seconds: 2 * DAY_SECONDS });
  const [invoice] = (await stripe.invoices.list({ customer: id })).data;
  await control(`invoices/${invoice?.id}/pay`, {});
}

async function editItems(account: Account): Promise<void> {
  const { stripe } = account;
  const { id } = await customerWith(account, 'pm_card_visa');
  const item = await stripe.invoiceItems.create({ customer: id, amount: 700, currency: 'usd' });
  await stripe.invoiceItems.update(item.id, { amount: 800, description: 'Corrected' });
  await stripe.invoiceItems.del(item.id);
}
