import type Stripe from 'stripe';
import type { ProInvoice } from '../../domain/grants.ts';
import { allOf, PAGE } from '../paging.ts';
import type { OpenDispute, ReturnedMoney } from '../port.ts';
import { idOf } from '../reference.ts';
import { isLive, isOpen, outcomeOf, withdrawnCents } from './disputes-and-refunds.ts';
import { addedTaxOf, linesOf, netOf } from './invoice-lines.ts';
import { fixReferenceOf } from './payments.ts';
import { readReturnedValue } from './returned-value.ts';

/* Returned money: refunds and disputes. */

export async function readReturnedMoney(stripe: Stripe, chargeId: string): Promise<ReturnedMoney> {
  const [charge, refunds, disputes] = await Promise.all([
    stripe.charges.retrieve(chargeId),
    allOf(stripe.refunds.list({ charge: chargeId, limit: PAGE })),
    allOf(stripe.disputes.list({ charge: chargeId, limit: PAGE })),
  ]);
  const refunded = sumOf(refunds.filter(isLive).map(({ amount }) => amount));
  const returned = refunded + sumOf(disputes.map(withdrawnCents));
  const paymentIntentId = idOf(charge.payment_intent);
  const ofOthers = disputes.length === 0 ? [] : await readOtherDisputes(stripe, charge);
  return {
    chargeId,
    stripeCustomerId: idOf(charge.customer),
    paymentIntentId,
    returnedCents: Math.min(charge.amount, returned),
    refundedCents: Math.min(charge.amount, refunded),
    disputes: [...disputes, ...ofOthers].map(({ id, status, amount }) => ({
      id,
      open: isOpen({ status }),
      amountCents: amount,
      outcome: outcomeOf({ status }),
    })),
    paidFor: await paidFor(stripe, charge, paymentIntentId),
  };
}

const sumOf = (cents: readonly number[]): number => cents.reduce((sum, one) => sum + one, 0);

export async function isInvoiceReturned(stripe: Stripe, { id }: Pick<ProInvoice, 'id'>): Promise<boolean> {
  const invoice = await stripe.invoices.retrieve(id);
  const [lines, returned] = await Promise.all([linesOf(stripe, invoice), readReturnedValue(stripe, invoice)]);
  const sold = lines
    .filter(({ amount }) => amount > 0)
    .reduce((sum, line) => sum + netOf(line) + addedTaxOf(line), 0);
  const named = returned.ofLines.reduce((sum, { cents }) => sum + cents, 0);
  return returned.cents + named >= sold;
}

/** Account-wide, newest first: more disputes than open while one event is late. */
const MAX_RECENT_DISPUTES = 300;

/**
 * The customer's other disputes: each blocks the next charge, even if its own events are late. Older disputes
 * are known from their own events. Stripe lists disputes by charge or account-wide; a customer can have any
 * number of charges.
 */
async function readOtherDisputes(stripe: Stripe, { id, customer }: Stripe.Charge): Promise<Stripe.Dispute[]> {
  const of = idOf(customer);
  if (of === null) return [];
  return (await recentDisputesOf(stripe, of)).filter(({ charge }) => idOf(charge) !== id);
}

async function recentDisputesOf(stripe: Stripe, customer: string): Promise<Stripe.Dispute[]> {
  const recent = await stripe.disputes
    .list({ limit: PAGE, expand: ['data.charge'] })
    .autoPagingToArray({ limit: MAX_RECENT_DISPUTES });
  return recent.filter(({ charge }) => typeof charge === 'object' && idOf(charge.customer) === customer);
}

export async function findOpenDisputes(stripe: Stripe, customer: string): Promise<OpenDispute[]> {
  const recent = await recentDisputesOf(stripe, customer);
  return recent.filter(isOpen).map(({ id, amount }) => ({ id, amountCents: amount }));
}

async function paidFor(
  stripe: Stripe,
  charge: Stripe.Charge,
  paymentIntentId: string | null,
): Promise<ReturnedMoney['paidFor']> {
  const fix = fixReferenceOf(charge.metadata);
  if (fix !== null) return { kind: 'fix', fix };
  if (paymentIntentId === null) return { kind: 'other' };
  const payment = { type: 'payment_intent', payment_intent: paymentIntentId } as const;
  const payments = await allOf(stripe.invoicePayments.list({ payment, limit: PAGE }));
  const invoiceIds = payments.map(({ invoice }) => idOf(invoice)).filter((id) => id !== null);
  return invoiceIds.length === 0
    ? { kind: 'other' }
    : { kind: 'invoices', invoiceIds: [...new Set(invoiceIds)] };
}
