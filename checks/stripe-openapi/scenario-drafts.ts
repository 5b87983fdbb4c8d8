import { type Account, customerWith, refused } from './scenario-steps.ts';

/** The part of the scenario in which a person drafts an invoice by hand, and sends or deletes it. */
export async function writeInvoices(account: Account): Promise<void> {
  const { stripe } = account;
  const { id } = await customerWith(account, 'pm_card_visa');
  const waiting = await stripe.invoiceItems.create({ customer: id, amount: 700, currency: 'usd' });
  const draft = await stripe.invoices.create({
    customer: id,
    collection_method: 'send_invoice',
    days_until_due: 14,
  });
  const { lines } = await stripe.invoices.addLines(draft.id, {
    lines: [
      { amount: 5_000, description: 'Onboarding', metadata: { a: '1' } },
      { amount: 900, description: 'Travel', quantity: 1 },
      { invoice_item: waiting.id },
    ],
    invoice_metadata: { by: 'hand' },
  });
  const [onboarding, travel, found] = lines.data;
  if (onboarding === undefined || travel === undefined || found === undefined)
    throw new Error('three lines were added');
  await stripe.invoices.updateLines(draft.id, {
    lines: [{ id: onboarding.id, amount: 4_000, description: 'Onboarding, half a day' }],
  });
  await stripe.invoices.updateLineItem(draft.id, travel.id, { amount: 800, metadata: { km: '12' } });
  await stripe.invoices.removeLines(draft.id, {
    lines: [
      { id: travel.id, behavior: 'delete' },
      { id: found.id, behavior: 'unassign' },
    ],
  });
  await stripe.invoices.sendInvoice(draft.id);
  await refused(stripe.invoices.addLines(draft.id, { lines: [{ amount: 100 }] }));
  const unwanted = await stripe.invoices.create({ customer: id });
  await stripe.invoices.addLines(unwanted.id, { lines: [{ amount: 100 }] });
  await refused(stripe.invoices.sendInvoice(unwanted.id));
  await stripe.invoices.del(unwanted.id);
}
