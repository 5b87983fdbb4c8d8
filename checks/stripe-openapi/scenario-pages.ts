import { type Account, customerWith, refused } from './scenario-steps.ts';

/*
 * The part of the scenario in which a customer or our staff use a page: card setup, Checkout, the portal,
 * invoices that are paid on their own page, and the pages of the account.
 */

const DAY_SECONDS = 24 * 60 * 60;

export async function usePages(account: Account, price: string): Promise<void> {
  await setUpCards(account);
  await checkOut(account);
  await visitPortal(account, price);
  await sendInvoices(account, price);
  await retouch(account);
}

async function setUpCards(account: Account): Promise<void> {
  const { stripe, control } = account;
  const { id } = await customerWith(account, 'pm_card_visa');
  const back = { return_url: 'https://billing.example/back' };
  const card = async (name: string) => {
    const intent = await stripe.setupIntents.create({ customer: id, usage: 'off_session' });
    return await stripe.setupIntents.confirm(intent.id, { payment_method: name, ...back });
  };
  const done = await card('pm_card_visa');
  await stripe.setupIntents.update(done.id, { description: 'A card', metadata: { a: '1' } });
  await stripe.setupIntents.retrieve(done.id, { expand: ['payment_method', 'customer', 'latest_attempt'] });
  for (const succeeds of [true, false]) {
    const asked = await card('pm_card_authenticationRequired');
    await control(`setup_intents/${asked.id}/authenticate`, { succeeds });
  }
  await refused(card('pm_card_visa_chargeDeclined'));
  const unwanted = await stripe.setupIntents.create({ customer: id });
  await stripe.setupIntents.cancel(unwanted.id, { cancellation_reason: 'abandoned' });
  await stripe.setupIntents.list({ customer: id });
}

async function checkOut(account: Account): Promise<void> {
  const { stripe, control } = account;
  const { id } = await stripe.customers.create({ email: 'bea@customer.example' });
  const begin = () =>
    stripe.checkout.sessions.create({
      mode: 'setup',
      customer: id,
      currency: 'usd',
      success_url: 'https://billing.example/done',
      metadata: { a: '1' },
    });
  const done = await begin();
  await control(`checkout_sessions/${done.id}/enter_card`, { card: 'visa' });
  await stripe.checkout.sessions.retrieve(done.id, { expand: ['setup_intent', 'customer'] });
  const asked = await begin();
  await control(`checkout_sessions/${asked.id}/enter_card`, { card: 'authenticationRequired' });
  await control(`checkout_sessions/${asked.id}/authenticate`, { succeeds: true });
  await stripe.checkout.sessions.expire((await begin()).id);
  await refused(stripe.checkout.sessions.expire(done.id));
}

async function visitPortal(account: Account, price: string): Promise<void> {
  const { stripe, control } = account;
  const { id, method } = await customerWith(account, 'pm_card_visa');
  const { id: subscription } = await stripe.subscriptions.create({ customer: id, items: [{ price }] });
  const { configurations } = stripe.billingPortal;
  const ours = await configurations.create({
    features: { customer_update: { enabled: true, allowed_updates: ['address', 'tax_id'] } },
    metadata: { a: '1' },
  });
  await configurations.update(ours.id, { features: { invoice_history: { enabled: true } } });
  await configurations.retrieve(ours.id);
  await configurations.list({ active: true });
  await stripe.billingPortal.sessions.create({ customer: id, configuration: ours.id });
  const session = await stripe.billingPortal.sessions.create({
    customer: id,
    return_url: 'https://billing.example/back',
  });
  await stripe.billingPortal.sessions.create({ customer: id, flow_data: { type: 'payment_method_update' } });
  for (const act of [
    { action: 'add_card', card: 'mastercard' },
    { action: 'choose_card', payment_method: method },
    { action: 'update_customer', email: 'new@customer.example', name: 'Ada N.' },
    { action: 'cancel_at_period_end', subscription },
    { action: 'keep', subscription },
    { action: 'cancel_now', subscription },
    { action: 'remove_card', payment_method: method },
  ]) {
    await control(`portal_sessions/${session.id}/act`, act);
  }
}

/** Invoices that a customer pays on their page, or leaves until they are overdue. */
async function sendInvoices(account: Account, price: string): Promise<void> {
  const { stripe, control } = account;
  const { id } = await customerWith(account, 'pm_card_visa');
  const sent = { collection_method: 'send_invoice', days_until_due: 7 } as const;
  await stripe.subscriptions.create({ customer: id, items: [{ price }], ...sent });
  await control('clock', { seconds: DAY_SECONDS });
  const [open] = (await stripe.invoices.list({ customer: id, status: 'open' })).data;
  if (open !== undefined) await control(`invoices/${open.id}/pay`, { behavesLike: 'visa' });
  const late = await customerWith(account, 'pm_card_visa');
  await stripe.subscriptions.create({ customer: late.id, items: [{ price }], ...sent });
  await control('clock', { seconds: 9 * DAY_SECONDS });
}

async function retouch(account: Account): Promise<void> {
  const { stripe, control } = account;
  const { method } = await customerWith(account, 'pm_card_visa');
  await control(`payment_methods/${method}/update_card`, { kind: 'replaced' });
  const own = await stripe.accounts.retrieveCurrent();
  await stripe.accounts.retrieve(own.id);
}
