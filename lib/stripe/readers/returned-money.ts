import type Stripe from 'stripe';
import type { ProInvoice } from '../../domain/grants.ts';
import { MAX_FOUND, PAGE } from '../paging.ts';
import type { ReturnedMoney } from '../port.ts';
import type { PriceBook } from '../prices.ts';
import { idOf } from '../reference.ts';
import { readInvoice } from './invoices.ts';
import { chargeOf, fixReferenceOf } from './payments.ts';

/* Money that went back: refunds and disputes. */

export async function readReturnedMoney(
  stripe: Stripe,
  chargeId: string,
  prices: PriceBook,
): Promise<ReturnedMoney> {
  const [charge, refunds, disputes] = await Promise.all([
    stripe.charges.retrieve(chargeId),
    stripe.refunds.list({ charge: chargeId, limit: PAGE }).autoPagingToArray({ limit: MAX_FOUND }),
    stripe.disputes.list({ charge: chargeId, limit: PAGE }),
  ]);
  const refunded = refunds.filter(({ status }) => status !== 'failed' && status !== 'canceled');
  // An inquiry has not taken any money, and what was prevented was refunded instead.
  const taken = disputes.data.filter(({ status }) => !TOOK_NOTHING.test(status));
  const returned = [...refunded, ...taken].reduce((sum, { amount }) => sum + amount, 0);
  const paymentIntentId = idOf(charge.payment_intent);
  return {
    chargeId,
    stripeCustomerId: idOf(charge.customer),
    paymentIntentId,
    returnedCents: Math.min(charge.amount, returned),
    disputes: disputes.data.map(({ id, status, amount }) => ({
      id,
      open: !CLOSED.has(status),
      amountCents: amount,
    })),
    paidFor: await paidFor(stripe, charge, paymentIntentId, prices),
  };
}

export async function isInvoiceReturned(
  stripe: Stripe,
  { id: invoice, totalCents }: Pick<ProInvoice, 'id' | 'totalCents'>,
): Promise<boolean> {
  const { data } = await stripe.invoicePayments.list({ invoice, status: 'paid', limit: PAGE });
  let returnedCents = 0;
  for (const { payment, amount_paid: paidCents } of data) {
    const intentId = idOf(payment.payment_intent);
    // What was paid past Stripe, or from the customer's balance, is refunded elsewhere, if it is.
    if (intentId === null) return false;
    const intent = await stripe.paymentIntents.retrieve(intentId, { expand: ['latest_charge'] });
    if (chargeOf(intent)?.refunded) returnedCents += paidCents ?? 0;
  }
  return returnedCents >= totalCents;
}

const TOOK_NOTHING = /^(won|prevented|warning_.*)$/;
const CLOSED: ReadonlySet<string> = new Set(['won', 'lost', 'warning_closed', 'prevented']);

async function paidFor(
  stripe: Stripe,
  charge: Stripe.Charge,
  paymentIntentId: string | null,
  prices: PriceBook,
): Promise<ReturnedMoney['paidFor']> {
  const fix = fixReferenceOf(charge.metadata);
  if (fix !== null) return { kind: 'fix', fix };
  if (paymentIntentId === null) return { kind: 'other' };
  const { data } = await stripe.invoicePayments.list({
    payment: { type: 'payment_intent', payment_intent: paymentIntentId },
    limit: 1,
  });
  const invoiceId = idOf(data[0]?.invoice);
  if (invoiceId === null) return { kind: 'other' };
  return { kind: 'invoice', invoice: await readInvoice(stripe, invoiceId, prices) };
}
