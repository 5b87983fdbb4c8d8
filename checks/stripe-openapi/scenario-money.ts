import { type Account, customerWith, offSession, paidBy, refused } from './scenario-steps.ts';

/*
 * The part of the scenario with other flows of money than from a card to us: credit notes, customer balance,
 * attached payments, and disputes and refunds whose outcome changes.
 */

const DAY_SECONDS = 24 * 60 * 60;

export async function moveMoney(account: Account): Promise<void> {
  await creditInvoices(account);
  await keepABalance(account);
  await attachAPayment(account);
  await turnDisputes(account);
  await turnRefunds(account);
  await payOut(account);
}

/** An open invoice of $50, for a customer with a working default card. */
async function openInvoice({ stripe }: Account, customer: string): Promise<string> {
  await stripe.invoiceItems.create({ customer, amount: 5_000, currency: 'usd', description: 'Onboarding' });
  const { id } = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' });
  await stripe.invoices.finalizeInvoice(id, { auto_advance: false });
  return id;
}

async function creditInvoices(account: Account): Promise<void> {
  const { stripe } = account;
  const { id } = await customerWith(account, 'pm_card_visa');
  const open = await openInvoice(account, id);
  const before = await stripe.creditNotes.create({ invoice: open, amount: 1_000, reason: 'order_change' });
  await stripe.creditNotes.voidCreditNote(before.id);
  await stripe.creditNotes.create({ invoice: open, amount: 500 });
  await stripe.invoices.pay(open);
  const after = {
    invoice: open,
    amount: 900,
    credit_amount: 300,
    refund_amount: 400,
    out_of_band_amount: 200,
  };
  await stripe.creditNotes.preview(after);
  await stripe.creditNotes.listPreviewLineItems(after);
  const note = await stripe.creditNotes.create({ ...after, memo: 'sorry' });
  await stripe.creditNotes.update(note.id, { memo: 'very sorry', metadata: { a: '1' } });
  await stripe.creditNotes.listLineItems(note.id);
  await stripe.creditNotes.retrieve(note.id, {
    expand: ['invoice', 'customer', 'customer_balance_transaction'],
  });
  await refused(stripe.creditNotes.create({ invoice: open, amount: 900_000 }));
}

async function keepABalance(account: Account): Promise<void> {
  const { stripe } = account;
  const { id } = await customerWith(account, 'pm_card_visa');
  const gift = { amount: -2_000, currency: 'usd', description: 'A gift' };
  const entry = await stripe.customers.createBalanceTransaction(id, gift);
  await stripe.customers.updateBalanceTransaction(id, entry.id, { description: 'From us' });
  await stripe.customers.retrieveBalanceTransaction(id, entry.id);
  await stripe.invoices.pay(await openInvoice(account, id));
  await stripe.customers.listBalanceTransactions(id);
  await stripe.entitlements.activeEntitlements.list({ customer: id });
}

async function attachAPayment(account: Account): Promise<void> {
  const { stripe } = account;
  const { id, method } = await customerWith(account, 'pm_card_visa');
  const invoice = await openInvoice(account, id);
  for (const amount of [2_000, 4_000]) {
    const payment = await stripe.paymentIntents.create({
      ...offSession({ customer: id, payment_method: method }),
      amount,
    });
    await stripe.invoices.attachPayment(invoice, { payment_intent: payment.id });
  }
  await stripe.invoices.retrieve(invoice, { expand: ['payments.data.payment.payment_intent'] });
}

async function turnDisputes(account: Account): Promise<void> {
  const { stripe, control } = account;
  for (const after of ['escalate', 'withdraw_funds', 'reinstate_funds']) {
    const paid = await paidBy(account, 'pm_card_createDisputeInquiry');
    const [inquiry] = (await stripe.disputes.list({ payment_intent: paid.id })).data;
    if (inquiry === undefined) throw new Error('an inquiry left no dispute');
    await control(`disputes/${inquiry.id}/escalate`);
    if (after === 'reinstate_funds') await control(`disputes/${inquiry.id}/close`, { status: 'won' });
  }
  const suspected = await paidBy(account, 'pm_card_visa');
  const [charge] = (await stripe.charges.list({ payment_intent: suspected.id })).data;
  if (charge === undefined) throw new Error('a payment left no charge');
  await control(`charges/${charge.id}/early_fraud_warning`);
  await stripe.refunds.create({ charge: charge.id });
}

async function turnRefunds(account: Account): Promise<void> {
  const { stripe, control } = account;
  for (const status of ['succeeded', 'canceled', 'failed']) {
    await control('refunds/mode', { mode: 'pending' });
    const paid = await paidBy(account, 'pm_card_visa');
    const { id } = await stripe.refunds.create({ payment_intent: paid.id, amount: 900 });
    await control(`refunds/${id}/answer`, { status });
    await control('refunds/mode', { mode: 'usual' });
  }
}

/** Manual and scheduled payouts: paid, canceled, and returned by the bank after payment. */
async function payOut(account: Account): Promise<void> {
  const { stripe, control } = account;
  await paidBy(account, 'pm_card_bypassPending');
  await control('clock', { seconds: 3 * DAY_SECONDS });
  const order = { amount: 1_000, currency: 'usd' };
  const byHand = await stripe.payouts.create({ ...order, description: 'To the bank', metadata: { a: '1' } });
  await stripe.payouts.update(byHand.id, { metadata: { b: '2' } });
  await stripe.payouts.cancel((await stripe.payouts.create(order)).id);
  await refused(stripe.payouts.create({ ...order, amount: 99_999_999 }));
  await control('payouts');
  await control('clock', { seconds: 3 * DAY_SECONDS });
  const [automatic] = (await stripe.payouts.list({ status: 'paid' })).data;
  if (automatic === undefined) throw new Error('no payout was paid');
  await stripe.payouts.retrieve(automatic.id, { expand: ['balance_transaction', 'destination'] });
  await stripe.balanceTransactions.list({ payout: automatic.id });
  await refused(stripe.balanceTransactions.list({ payout: byHand.id }));
  await stripe.balanceTransactions.list({ type: 'payout', expand: ['data.source'] });
  await control(`payouts/${automatic.id}/fail`, { code: 'account_closed' });
  await stripe.payouts.retrieve(automatic.id, { expand: ['failure_balance_transaction'] });
}
