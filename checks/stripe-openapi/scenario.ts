import type Stripe from 'stripe';
import { billOtherwise } from './scenario-billing.ts';
import { writeInvoices } from './scenario-drafts.ts';
import { moveMoney } from './scenario-money.ts';
import { usePages } from './scenario-pages.ts';
import { keepSources } from './scenario-sources.ts';
import { type Account, customerWith, offSession, paidBy, refused } from './scenario-steps.ts';

/*
 * The life of a Stripe account, played with the SDK: each kind of object, with successes and failures.
 * Several programs judge the answers and events without knowledge of the scenario.
 */

const DAY_SECONDS = 24 * 60 * 60;
const PRO_CENTS = 59_900;

/** @throws when the stand-in rejects what Stripe accepts, or accepts what Stripe rejects */
export async function playScenario(account: Account): Promise<void> {
  const catalog = await fillCatalog(account);
  await registerEndpoints(account);
  await keepCustomers(account);
  await payOnce(account);
  await askTheCardholder(account);
  await refund(account);
  await dispute(account);
  await subscribe(account, catalog);
  await failToRenew(account, catalog);
  await pauseAndResume(account, catalog);
  await invoiceByHand(account);
  await writeInvoices(account);
  await keepSources(account, catalog.price);
  await moveMoney(account);
  await billOtherwise(account, catalog.price);
  await usePages(account, catalog.price);
  await readEvents(account);
}

interface Catalog {
  readonly price: string;
}

async function fillCatalog({ stripe }: Account): Promise<Catalog> {
  const product = await stripe.products.create({
    name: 'Pro',
    description: 'All of it',
    metadata: { a: '1' },
  });
  await stripe.products.update(product.id, { name: 'RSOLV Pro' });
  await stripe.products.retrieve(product.id);
  await stripe.products.list({ limit: 3 });
  const doomed = await stripe.products.create({ name: 'Old' });
  await stripe.products.del(doomed.id);
  const price = await stripe.prices.create({
    currency: 'usd',
    unit_amount: PRO_CENTS,
    product: product.id,
    recurring: { interval: 'month' },
    lookup_key: 'pro',
  });
  await stripe.prices.create({ currency: 'usd', unit_amount: 2_900, product_data: { name: 'One fix' } });
  await stripe.prices.update(price.id, { nickname: 'monthly' });
  await stripe.prices.retrieve(price.id, { expand: ['product'] });
  await stripe.prices.list({ product: product.id });
  return { price: price.id };
}

async function registerEndpoints({ stripe }: Account): Promise<void> {
  const endpoint = await stripe.webhookEndpoints.create({
    url: 'https://billing.example/webhook',
    enabled_events: ['invoice.paid'],
    api_version: '2026-10-28.endive',
  });
  await stripe.webhookEndpoints.update(endpoint.id, { description: 'billing', disabled: true });
  await stripe.webhookEndpoints.retrieve(endpoint.id);
  await stripe.webhookEndpoints.list();
  await stripe.webhookEndpoints.del(endpoint.id);
}

async function keepCustomers(account: Account): Promise<void> {
  const { stripe } = account;
  const { id, method } = await customerWith(account, 'pm_card_visa');
  await stripe.customers.update(id, {
    name: 'Ada L.',
    phone: '+15555550100',
    metadata: { customer_id: 'c_1' },
  });
  await stripe.customers.retrieve(id, { expand: ['invoice_settings.default_payment_method'] });
  await stripe.customers.list({ email: 'ada@customer.example' });
  const second = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_mastercard' } });
  await stripe.paymentMethods.attach(second.id, { customer: id });
  await stripe.paymentMethods.update(second.id, { billing_details: { name: 'Ada' }, metadata: { a: '1' } });
  await stripe.paymentMethods.retrieve(second.id);
  await stripe.paymentMethods.list({ customer: id, type: 'card' });
  await stripe.customers.listPaymentMethods(id);
  await stripe.customers.retrievePaymentMethod(id, method);
  await stripe.paymentMethods.detach(second.id);
  await refused(stripe.paymentMethods.attach('pm_card_visa_chargeDeclined', { customer: id }));
  const gone = await stripe.customers.create({ email: 'gone@customer.example' });
  await stripe.customers.del(gone.id);
  await stripe.customers.retrieve(gone.id);
}

async function payOnce(account: Account): Promise<void> {
  const { stripe } = account;
  const { id, method } = await customerWith(account, 'pm_card_visa');
  const waiting = await stripe.paymentIntents.create({ amount: 2_900, currency: 'usd', customer: id });
  await stripe.paymentIntents.update(waiting.id, { description: 'one fix', metadata: { fix: 'f_1' } });
  await stripe.paymentIntents.confirm(waiting.id, { payment_method: method, off_session: true });
  await stripe.paymentIntents.retrieve(waiting.id, {
    expand: ['latest_charge', 'customer', 'payment_method'],
  });
  await stripe.paymentIntents.list({ customer: id });
  const unwanted = await stripe.paymentIntents.create({ amount: 100, currency: 'usd', customer: id });
  await stripe.paymentIntents.cancel(unwanted.id, { cancellation_reason: 'abandoned' });
  const [charge] = (await stripe.charges.list({ customer: id })).data;
  if (charge === undefined) throw new Error('a payment left no charge');
  await stripe.charges.update(charge.id, { description: 'paid', metadata: { a: '1' } });
  await stripe.charges.retrieve(charge.id, { expand: ['refunds', 'payment_intent'] });
  await refused(paidBy(account, 'pm_card_chargeCustomerFail'));
}

async function askTheCardholder(account: Account): Promise<void> {
  const { stripe } = account;
  const { id, method } = await customerWith(account, 'pm_card_authenticationRequired');
  const payment = { customer: id, payment_method: method };
  await refused(stripe.paymentIntents.create(offSession(payment)));
  for (const succeeds of [false, true]) {
    const asked = await stripe.paymentIntents.create({
      ...offSession(payment),
      off_session: false,
      return_url: 'https://billing.example/back',
    });
    await account.control(`payment_intents/${asked.id}/authenticate`, { succeeds });
  }
}

async function refund(account: Account): Promise<void> {
  const { stripe } = account;
  for (const card of ['pm_card_visa', 'pm_card_pendingRefund', 'pm_card_refundFail']) {
    const paid = await paidBy(account, card);
    const part = await stripe.refunds.create({ payment_intent: paid.id, amount: 900, reason: 'duplicate' });
    await stripe.refunds.update(part.id, { metadata: { a: '1' } });
    await stripe.refunds.retrieve(part.id, { expand: ['charge', 'payment_intent'] });
    await stripe.refunds.list({ payment_intent: paid.id });
    await account.control('clock', { seconds: DAY_SECONDS });
    await refused(stripe.refunds.create({ payment_intent: paid.id, amount: 9_000 }));
  }
}

async function disputeOf({ stripe }: Account, paid: Stripe.PaymentIntent): Promise<string> {
  const [one] = (await stripe.disputes.list({ payment_intent: paid.id })).data;
  if (one === undefined) throw new Error('a payment that is disputed left no dispute');
  return one.id;
}

async function dispute(account: Account): Promise<void> {
  const { stripe } = account;
  const lost = await disputeOf(account, await paidBy(account, 'pm_card_createDispute'));
  await stripe.disputes.retrieve(lost, { expand: ['charge', 'payment_intent'] });
  await stripe.disputes.update(lost, { metadata: { a: '1' } });
  await stripe.disputes.close(lost);
  const won = await disputeOf(account, await paidBy(account, 'pm_card_createDispute'));
  await stripe.disputes.update(won, { evidence: { uncategorized_text: 'winning_evidence' }, submit: true });
  const asked = await disputeOf(account, await paidBy(account, 'pm_card_createDisputeInquiry'));
  await stripe.disputes.update(asked, { evidence: { uncategorized_text: 'all is well' }, submit: true });
  await account.control(`disputes/${asked}/close`, { status: 'warning_closed' });
  await refused(stripe.disputes.close(asked));
}

async function subscribe(account: Account, { price }: Catalog): Promise<void> {
  const { stripe } = account;
  const { id, method } = await customerWith(account, 'pm_card_visa');
  const made = await stripe.subscriptions.create({
    customer: id,
    items: [{ price, metadata: { a: '1' } }],
    off_session: true,
    payment_behavior: 'error_if_incomplete',
    expand: ['latest_invoice.payments', 'latest_invoice.confirmation_secret', 'customer'],
    metadata: { attempt: '1' },
  });
  await stripe.subscriptions.update(made.id, { description: 'Pro', default_payment_method: method });
  await stripe.subscriptions.update(made.id, { cancel_at_period_end: true });
  await stripe.subscriptions.update(made.id, { cancel_at_period_end: false });
  await stripe.subscriptions.retrieve(made.id, { expand: ['default_payment_method', 'latest_invoice'] });
  await stripe.subscriptions.list({ customer: id, status: 'all', expand: ['data.latest_invoice'] });
  const [item] = (await stripe.subscriptionItems.list({ subscription: made.id })).data;
  if (item !== undefined) await stripe.subscriptionItems.retrieve(item.id);
  const [payment] = (await stripe.invoicePayments.list({ status: 'paid' })).data;
  if (payment === undefined) throw new Error('a paid invoice has no payment');
  await stripe.invoicePayments.retrieve(payment.id, { expand: ['payment.payment_intent', 'invoice'] });
  await account.control('clock', { seconds: 32 * DAY_SECONDS });
  await stripe.subscriptions.cancel(made.id, { cancellation_details: { comment: 'enough' } });
  await refused(stripe.subscriptions.cancel(made.id));
  await stripe.subscriptions.create({ customer: id, items: [{ price, quantity: 2 }], trial_period_days: 7 });
  await account.control('clock', { seconds: 8 * DAY_SECONDS });
  await stripe.invoices.list({ customer: id, expand: ['data.payments'] });
}

/** Renewals: declined until the subscription ends, waiting for the cardholder, and never started. */
async function failToRenew(account: Account, { price }: Catalog): Promise<void> {
  const { stripe } = account;
  for (const card of ['pm_card_chargeCustomerFail', 'pm_card_authenticationRequired']) {
    const { id } = await customerWith(account, card);
    await stripe.subscriptions.create({ customer: id, items: [{ price }], trial_period_days: 1 });
    await account.control('clock', { seconds: 5 * DAY_SECONDS });
    await stripe.invoices.list({ customer: id });
    const [open] = (await stripe.invoices.list({ customer: id, status: 'open' })).data;
    if (open !== undefined) await refused(stripe.invoices.pay(open.id));
    await refused(
      stripe.subscriptions.create({
        customer: id,
        items: [{ price }],
        payment_behavior: 'error_if_incomplete',
      }),
    );
    await stripe.subscriptions.create({ customer: id, items: [{ price }] });
    await account.control('clock', { seconds: 30 * DAY_SECONDS });
    await stripe.subscriptions.list({ customer: id, status: 'all' });
  }
}

async function pauseAndResume(account: Account, { price }: Catalog): Promise<void> {
  const { stripe } = account;
  const { id } = await customerWith(account, 'pm_card_visa');
  const { id: active } = await stripe.subscriptions.create({ customer: id, items: [{ price }] });
  await stripe.subscriptions.pause(active);
  await stripe.subscriptions.resume(active, { billing_cycle_anchor: { type: 'now' } });
  const { id: bare } = await stripe.customers.create({ email: 'bare@customer.example' });
  await stripe.subscriptions.create({
    customer: bare,
    items: [{ price }],
    trial_period_days: 1,
    trial_settings: { end_behavior: { missing_payment_method: 'pause' } },
  });
  await account.control('clock', { seconds: 2 * DAY_SECONDS });
  await stripe.subscriptions.list({ customer: bare, status: 'all' });
}

async function invoiceByHand(account: Account): Promise<void> {
  const { stripe } = account;
  const { id } = await customerWith(account, 'pm_card_visa');
  const item = { customer: id, amount: 5_000, currency: 'usd', description: 'Onboarding' };
  const draft = async () => {
    const { id: pending } = await stripe.invoiceItems.create(item);
    await stripe.invoiceItems.retrieve(pending);
    const made = await stripe.invoices.create({ customer: id, pending_invoice_items_behavior: 'include' });
    return made.id;
  };
  await stripe.invoiceItems.list({ customer: id });
  const paid = await draft();
  await stripe.invoices.update(paid, { description: 'By hand', metadata: { a: '1' } });
  await stripe.invoices.finalizeInvoice(paid, { auto_advance: false });
  await stripe.invoices.pay(paid);
  await stripe.invoices.retrieve(paid, { expand: ['payments', 'customer', 'amount_paid_off_stripe'] });
  await stripe.invoices.listLineItems(paid);
  await stripe.invoices.pay(await draft(), { paid_out_of_band: true });
  const void_ = await draft();
  await stripe.invoices.finalizeInvoice(void_);
  await stripe.invoices.voidInvoice(void_);
  const hopeless = await draft();
  await stripe.invoices.finalizeInvoice(hopeless);
  await stripe.invoices.markUncollectible(hopeless);
}

async function readEvents({ stripe }: Account): Promise<void> {
  const [newest] = (await stripe.events.list({ limit: 3 })).data;
  if (newest !== undefined) await stripe.events.retrieve(newest.id);
}
