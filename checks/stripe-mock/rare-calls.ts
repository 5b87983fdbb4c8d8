import { BILLING_CONSENT } from '../../lib/domain/evidence/billing-consent.ts';
import { stripePort } from '../../lib/stripe/client.ts';
import type { StripePort } from '../../lib/stripe/port.ts';
import { openStripe } from '../../lib/stripe/sdk.ts';
import { ensurePortalConfiguration } from '../../lib/stripe/setup/portal.ts';
import { ensureProPrice } from '../../lib/stripe/setup/price.ts';
import { ensureWebhookEndpoint } from '../../lib/stripe/setup/webhook-endpoint.ts';
import type { StripeDouble } from '../../local/stripe-double/server.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Calls that the service makes only after failures, through its own port: refunds, and searches for payments
 * and subscriptions whose answer was lost. Also the calls that set up an account.
 */
export async function makeRareCalls({ url }: StripeDouble, apiKey: string): Promise<void> {
  const apiBase = new URL(url);
  const stripe = openStripe({ secretKey: apiKey, apiBase });
  const { price } = await ensureProPrice(stripe);
  await ensureWebhookEndpoint(stripe, 'https://billing.example/api/webhooks/stripe');

  const port = stripePort({ secretKey: apiKey, proPriceId: price.id, apiBase });
  const who = { customerId: 'c_1', name: 'Ada', email: 'ada@customer.example' };
  // After an indeterminate answer, the service looks for the customer, and then for the payment.
  await fail(url, '/v1/customers');
  const customer = await port.createCustomer({ ...who, former: null });
  const { paymentMethodId } = await port.attachCard(customer, 'pm_card_visa');
  await port.makeDefault(customer, paymentMethodId);

  await useHostedPages(url, port, stripe, customer);

  const order = { customerId: 'c_1', stripeCustomerId: customer, attempt: 1 };
  const paid = await port.chargeFix({
    ...order,
    fixAttemptId: 'f_1',
    paymentMethodId,
    amountCents: 2_900,
    texts: { description: 'RSOLV fix #42', statementSuffix: 'FIX 42', receiptEmail: who.email },
    idempotencyKey: 'fix:c_1:f_1:1',
  });
  await port.findFixPayments(customer, 'f_1', new Date());
  await port.cancelPayment(paid.paymentIntentId);
  await port.refundPayment({ paymentIntentId: paid.paymentIntentId, attempt: 1, amountCents: 2_900 });
  await port.readReturn(paid.paymentIntentId);
  await port.readDefaultCard(customer);
  const charges = await stripe.charges.list({ customer });
  for (const { id } of charges.data) await port.readReturnedMoney(id);

  const { subscription, invoice } = await port.subscribe({ ...order, priceId: price.id });
  await port.findSubscribed(customer, 1);
  if (invoice !== null) await port.readInvoice(invoice.id);
  if (invoice !== null) await port.isInvoiceReturned(invoice);
  await port.setCancelAtPeriodEnd(subscription.id, true);
  await port.setCancelAtPeriodEnd(subscription.id, false);
  const later = Math.floor(Date.now() / 1000) + 100 * (DAY_MS / 1000);
  await stripe.subscriptions.update(subscription.id, { cancel_at: later });
  await port.setCancelAtPeriodEnd(subscription.id, false);
  await stripe.subscriptions.update(subscription.id, { default_payment_method: paymentMethodId });
  await port.clearOwnCard(subscription.id, paymentMethodId);
  await port.findOpenRenewal(subscription.id, true);
  await port.readCustomerClaim(customer);
  const owed = await stripe.invoices.create({ customer, auto_advance: false });
  await stripe.invoiceItems.create({ customer, invoice: owed.id, amount: 59_900, currency: 'usd' });
  await stripe.invoices.finalizeInvoice(owed.id);
  const payment = { invoiceId: owed.id, paymentMethodId, idempotencyKey: 'renewal:c_1:1' };
  await port.payInvoice(payment);
  await port.readRenewalState(owed.id);
  await port.cancelSubscription(subscription.id);
  const asked = await port.orderOnSession({ ...order, attempt: 2, priceId: price.id });
  if (asked.payment !== null) {
    await port.confirmOnSession({
      paymentIntentId: asked.payment.paymentIntentId,
      paymentMethodId,
      returnUrl: 'https://billing.example/billing/plan/return',
      idempotencyKey: 'subscribe:c_1:2:confirm',
    });
    await port.readApproval(asked.payment.paymentIntentId);
  }
  await port.findOrdered(customer, 2);
  const unpaid = await port.orderOnSession({ ...order, attempt: 3, priceId: price.id });
  await port.endUnpaid(await port.readOrdered(unpaid.subscription.id));
  await port.readAccount(customer);
  await port.readPaidMoney(customer);
  const window = { from: new Date(Date.now() - DAY_MS), until: new Date(), after: null };
  await port.listEvents(window);
  await port.listFixPayments(window);
  await port.listProInvoices(window);
  await readDocuments(port, url, customer);
  await port.anonymiseCustomer(customer);
  if (invoice !== null) await port.readFailedRenewal(invoice.id);

  // Removes the smoke test's customers completely.
  await port.findCustomers(who);
  await port.deleteCustomer(customer);
  await port.findEventsOf(customer, new Date());
}

/** The page of documents: the first page of each list, a later one, and a dispute. */
async function readDocuments(port: StripePort, url: string, customer: string): Promise<void> {
  const first = { after: null, limit: 10 };
  const [payments, invoices] = [
    await port.listPayments(customer, first),
    await port.listInvoices(customer, first),
  ];
  await port.listPayments(customer, { ...first, after: payments.items[0]?.id ?? '' });
  await port.listInvoices(customer, { ...first, after: invoices.items[0]?.id ?? '' });
  await port.listCreditNotes(customer, first);
  const disputed = payments.items.find(({ refunded }) => refunded === 0)?.id ?? '';
  await fetch(`${url}/_double/charges/${disputed}/dispute`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  for (const { id } of await port.listDisputesOf(disputed)) await port.readDispute(id);
}

/** Stripe's pages: Checkout for a card, the portal, and the page of an invoice. */
async function useHostedPages(
  url: string,
  port: StripePort,
  stripe: ReturnType<typeof openStripe>,
  stripeCustomerId: string,
): Promise<void> {
  const session = {
    ...{ customerId: 'c_1', stripeCustomerId, consent: BILLING_CONSENT.text },
    expiresAt: new Date(Date.now() + DAY_MS / 2),
    returnUrl: 'https://billing.example/billing/card/return?session={CHECKOUT_SESSION_ID}',
    cancelUrl: 'https://billing.example/billing/card',
  };
  const { sessionId } = await port.openCardSession({ ...session, attempt: 1 });
  await port.expireCardSession(sessionId);
  await port.readCardSession(sessionId);
  const next = await port.openCardSession({ ...session, attempt: 2 });
  await fetch(`${url}/_double/checkout_sessions/${next.sessionId}/enter_card`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ card: 'visa' }),
  });
  const { card } = (await port.readCardSession(next.sessionId)) ?? {};
  if (card != null) await port.detachCard(card.paymentMethodId);
  await port.readCardDetails(stripeCustomerId);
  await ensurePortalConfiguration(stripe);
  const [made] = (await stripe.billingPortal.configurations.list({ active: true })).data;
  if (made !== undefined) {
    const on = { payment_method_update: { enabled: true } };
    await stripe.billingPortal.configurations.update(made.id, { features: on });
    await ensurePortalConfiguration(stripe);
  }
  await port.openPortal(stripeCustomerId, 'https://billing.example/billing/card');
  const [invoice] = (await stripe.invoices.list({ customer: stripeCustomerId })).data;
  if (invoice?.id !== undefined) await port.readInvoicePage(invoice.id, stripeCustomerId);
}

async function fail(url: string, path: string): Promise<void> {
  await fetch(`${url}/_double/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path, method: 'POST', kind: '500_after', times: 2 }),
  });
}
