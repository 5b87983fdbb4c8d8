import Stripe from 'stripe';
import { StripeFault } from '../fault.ts';
import type { HostedCardSession, HostedPageCalls } from '../port/hosted.ts';
import { defaultMethodOf } from '../readers/default-card.ts';
import { idOf } from '../reference.ts';
import { findPortalConfiguration } from '../setup/portal.ts';
import { nullIfDone } from './null-if-done.ts';

const CARD = { expand: ['setup_intent.payment_method'] };

export function hostedPageCalls(stripe: Stripe): HostedPageCalls {
  return {
    async openCardSession({ customerId, stripeCustomerId, attempt, ...order }) {
      const metadata = { customer_id: customerId, card_session: String(attempt) };
      const session = await stripe.checkout.sessions.create(
        {
          mode: 'setup',
          customer: stripeCustomerId,
          allowed_payment_method_types: ['card'],
          billing_address_collection: 'required',
          custom_text: { submit: { message: order.consent } },
          client_reference_id: customerId,
          metadata,
          setup_intent_data: { metadata },
          success_url: order.returnUrl,
          cancel_url: order.cancelUrl,
          expires_at: secondsOf(order.expiresAt),
          ...CARD,
        },
        { idempotencyKey: `card_session:${customerId}:${attempt}` },
      );
      return sessionOf(session);
    },

    async readCardSession(sessionId) {
      return nullIfMissing(async () => sessionOf(await stripe.checkout.sessions.retrieve(sessionId, CARD)));
    },

    async expireCardSession(sessionId) {
      const isOver = async () => (await stripe.checkout.sessions.retrieve(sessionId)).status !== 'open';
      await nullIfDone(() => stripe.checkout.sessions.expire(sessionId), isOver);
    },

    async readCardDetails(stripeCustomerId) {
      const customer = await stripe.customers.retrieve(stripeCustomerId);
      const method = customer.deleted ? null : await defaultMethodOf(stripe, customer);
      if (method?.card === undefined) return null;
      const { brand, last4, exp_month: expMonth, exp_year: expYear } = method.card;
      const createdAt = new Date(method.created * 1_000);
      return { paymentMethodId: method.id, brand, last4, expMonth, expYear, createdAt };
    },

    async detachCard(paymentMethodId) {
      const isOff = async () => (await stripe.paymentMethods.retrieve(paymentMethodId)).customer === null;
      await nullIfDone(() => stripe.paymentMethods.detach(paymentMethodId), isOff);
    },

    async openPortal(customer, returnUrl) {
      const configuration = await findPortalConfiguration(stripe);
      // Without one, Stripe would use the Dashboard's, which may offer cards and plan changes.
      if (configuration === null) throw new StripeFault('misconfigured', { code: 'portal_configuration' });
      const options = { customer, configuration: configuration.id, return_url: returnUrl };
      return (await stripe.billingPortal.sessions.create(options)).url;
    },

    async readInvoicePage(invoiceId, stripeCustomerId) {
      const invoice = await nullIfMissing(() => stripe.invoices.retrieve(invoiceId));
      if (invoice === null || idOf(invoice.customer) !== stripeCustomerId) return null;
      return invoice.hosted_invoice_url ?? null;
    },
  };
}

const secondsOf = (at: Date): number => Math.floor(at.getTime() / 1_000);

async function nullIfMissing<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    const isMissing = error instanceof Stripe.errors.StripeInvalidRequestError;
    if (!isMissing || error.code !== 'resource_missing') throw error;
    return null;
  }
}

function sessionOf(session: Stripe.Checkout.Session): HostedCardSession {
  const { id, url, status, expires_at: expiresAt, metadata, customer, setup_intent: setup } = session;
  const intent = typeof setup === 'string' ? null : setup;
  const method = typeof intent?.payment_method === 'string' ? null : (intent?.payment_method ?? null);
  // The event of the intent can come before the session is complete.
  const isConfirmed = intent?.status === 'succeeded' && method !== null;
  const attempt = Number(metadata?.['card_session'] ?? Number.NaN);
  return {
    sessionId: id,
    // A complete session whose intent has no card any more brings nothing, so its card is null.
    state: isConfirmed || status === 'complete' ? 'complete' : status === 'open' ? 'open' : 'expired',
    url,
    expiresAt: new Date(expiresAt * 1_000),
    customerId: metadata?.['customer_id'] ?? null,
    attempt: Number.isSafeInteger(attempt) ? attempt : null,
    stripeCustomerId: idOf(customer),
    card:
      isConfirmed && method !== null
        ? { paymentMethodId: method.id, createdAt: new Date(method.created * 1_000) }
        : null,
  };
}
