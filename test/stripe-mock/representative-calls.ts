import Stripe from 'stripe';
import { HANDLED_EVENT_TYPES } from '../../lib/stripe/event-types.ts';
import type { StripeDouble } from '../../local/stripe/server.ts';
import { STRIPE_API_VERSION } from '../../local/stripe/version.ts';

const PRO_LOOKUP_KEY = 'rsolv_pro_monthly';

/** One call of each kind that the service makes, with the parameters that it sends. */
export async function makeCalls({ host, port }: StripeDouble, apiKey: string): Promise<void> {
  const stripe = new Stripe(apiKey, { host, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false });
  const price = await setUpAccount(stripe);
  const who = await putCardOnFile(stripe);
  await chargeForFixes(stripe, who);
  await subscribeAndCancel(stripe, who.customer, price);
  await lookBack(stripe, who.customer, price);
}

interface Payer {
  readonly customer: string;
  readonly method: string;
}

/** What is made once for each account at Stripe: the product, its price, and our webhook endpoint. */
async function setUpAccount(stripe: Stripe): Promise<string> {
  const product = await stripe.products.create({ name: 'RSOLV Pro', metadata: { plan: 'pro' } });
  const price = await stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 59_900,
    recurring: { interval: 'month' },
    lookup_key: PRO_LOOKUP_KEY,
  });
  await stripe.prices.list({ lookup_keys: [PRO_LOOKUP_KEY], active: true, limit: 1 });
  const endpoint = await stripe.webhookEndpoints.create({
    url: 'https://billing.example/api/webhooks/stripe',
    enabled_events: [...HANDLED_EVENT_TYPES],
    api_version: STRIPE_API_VERSION,
    description: 'RSOLV billing',
  });
  await stripe.webhookEndpoints.list({ limit: 100 });
  await stripe.webhookEndpoints.update(endpoint.id, { enabled_events: [...HANDLED_EVENT_TYPES] });
  return price.id;
}

async function putCardOnFile(stripe: Stripe): Promise<Payer> {
  const email = 'ada@customer.example';
  const customer = await stripe.customers.create(
    { name: 'Ada', email, metadata: { customer_id: 'c_1' } },
    { idempotencyKey: 'customer:c_1' },
  );
  await stripe.customers.list({ email, limit: 1 });
  const method = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } });
  return { customer: customer.id, method: method.id };
}

/** One fix is charged and refunded; another waits for the cardholder, is cancelled, and is no more. */
async function chargeForFixes(stripe: Stripe, who: Payer): Promise<void> {
  const charge = (fix: string, method: string): Promise<Stripe.PaymentIntent> =>
    stripe.paymentIntents.create(
      {
        amount: 2_900,
        currency: 'usd',
        customer: who.customer,
        payment_method: method,
        off_session: true,
        confirm: true,
        allowed_payment_method_types: ['card'],
        metadata: { customer_id: 'c_1', fix_id: fix, attempt: '1' },
      },
      { idempotencyKey: `fix:c_1:${fix}:1` },
    );
  const paid = await charge('f_1', who.method);
  await stripe.charges.retrieve(idOf(paid.latest_charge));
  await stripe.refunds.create(
    { payment_intent: paid.id, reason: 'duplicate', metadata: { fix_id: 'f_1' } },
    { idempotencyKey: `refund:${paid.id}` },
  );

  const asksFirst = await stripe.paymentMethods.attach('pm_card_authenticationRequired', {
    customer: who.customer,
  });
  const refused = await declined(charge('f_2', asksFirst.id));
  await stripe.paymentIntents.retrieve(refused);
  await stripe.paymentIntents.cancel(refused, { cancellation_reason: 'abandoned' });
}

async function subscribeAndCancel(stripe: Stripe, customer: string, price: string): Promise<void> {
  const subscription = await stripe.subscriptions.create(
    {
      customer,
      items: [{ price }],
      collection_method: 'charge_automatically',
      off_session: true,
      payment_behavior: 'error_if_incomplete',
      expand: ['latest_invoice.payments'],
      metadata: { customer_id: 'c_1' },
    },
    { idempotencyKey: 'subscribe:c_1:1' },
  );
  await stripe.subscriptions.retrieve(subscription.id);
  const invoice = await stripe.invoices.retrieve(idOf(subscription.latest_invoice), { expand: ['payments'] });
  await stripe.invoices.listLineItems(invoice.id, { limit: 100 });
  const payment = invoice.payments?.data[0]?.payment.payment_intent;
  await stripe.invoicePayments.list({
    payment: { type: 'payment_intent', payment_intent: idOf(payment) },
  });
  await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
  await stripe.subscriptions.cancel(subscription.id, { invoice_now: false, prorate: false });
}

/** What reconciling reads. */
async function lookBack(stripe: Stripe, customer: string, price: string): Promise<void> {
  const created = { gte: 1_700_000_000 };
  await stripe.subscriptions.list({ customer, price, status: 'all', limit: 100 });
  await stripe.paymentIntents.list({ customer, created, limit: 100 });
  await stripe.invoices.list({ customer, status: 'paid', created, limit: 100 });
  await stripe.refunds.list({ created, limit: 100 });
  await stripe.disputes.list({ created, limit: 100 });
  const events = await stripe.events.list({
    types: HANDLED_EVENT_TYPES.slice(0, 20),
    delivery_success: false,
    created,
    limit: 100,
  });
  await stripe.events.retrieve(idOf(events.data[0]));
}

/** The payment intent that a declined charge leaves behind. */
async function declined(charge: Promise<unknown>): Promise<string> {
  try {
    await charge;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeCardError) return idOf(error.payment_intent);
    throw error;
  }
  throw new Error('The double took a card that asks for its holder.');
}

function idOf(reference: string | { readonly id: string } | null | undefined): string {
  if (reference === null || reference === undefined) throw new Error('The double named no object.');
  return typeof reference === 'string' ? reference : reference.id;
}
