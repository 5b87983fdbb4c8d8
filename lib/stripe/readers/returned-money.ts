import Stripe from 'stripe';
import type { ProInvoice } from '../../domain/grants.ts';
import { MAX_FOUND, PAGE } from '../paging.ts';
import type { ReturnedMoney } from '../port.ts';
import { idOf } from '../reference.ts';
import { addedTaxOf, linesOf, netOf } from './invoice-lines.ts';
import { fixReferenceOf } from './payments.ts';
import { isLive, readReturnedValue, withdrawnCents } from './returned-value.ts';

/* Money that went back: refunds and disputes. */

export async function readReturnedMoney(stripe: Stripe, chargeId: string): Promise<ReturnedMoney> {
  const [charge, refunds, disputes] = await Promise.all([
    stripe.charges.retrieve(chargeId),
    stripe.refunds.list({ charge: chargeId, limit: PAGE }).autoPagingToArray({ limit: MAX_FOUND }),
    readDisputes(stripe, chargeId),
  ]);
  const cents = [...refunds.filter(isLive).map(({ amount }) => amount), ...disputes.map(withdrawnCents)];
  const returned = cents.reduce((sum, one) => sum + one, 0);
  const paymentIntentId = idOf(charge.payment_intent);
  const ofOthers = disputes.length === 0 ? [] : await readOtherDisputes(stripe, charge);
  return {
    chargeId,
    stripeCustomerId: idOf(charge.customer),
    paymentIntentId,
    returnedCents: Math.min(charge.amount, returned),
    disputes: [...disputes, ...ofOthers].map(({ id, status, amount }) => ({
      id,
      open: !CLOSED.has(status),
      amountCents: amount,
    })),
    paidFor: await paidFor(stripe, charge, paymentIntentId),
  };
}

export async function isInvoiceReturned(stripe: Stripe, { id }: Pick<ProInvoice, 'id'>): Promise<boolean> {
  const invoice = await stripe.invoices.retrieve(id);
  const [lines, returned] = await Promise.all([linesOf(stripe, invoice), readReturnedValue(stripe, invoice)]);
  const sold = lines
    .filter(({ amount }) => amount > 0)
    .reduce((sum, line) => sum + netOf(line) + addedTaxOf(line), 0);
  const named = returned.ofLines.reduce((sum, { cents }) => sum + cents, 0);
  return returned.cents + named >= sold;
}

const CLOSED: ReadonlySet<string> = new Set(['won', 'lost', 'warning_closed', 'prevented']);

const readDisputes = (stripe: Stripe, charge: string): Promise<Stripe.Dispute[]> =>
  stripe.disputes.list({ charge, limit: PAGE }).autoPagingToArray({ limit: MAX_FOUND });

/**
 * The disputes of the customer's other charges. What stands in the way of the next charge is any open dispute of the account, also
 * one whose own events are late.
 */
async function readOtherDisputes(stripe: Stripe, { id, customer }: Stripe.Charge): Promise<Stripe.Dispute[]> {
  const of = idOf(customer);
  if (of === null) return [];
  const found: Stripe.Dispute[] = [];
  try {
    for await (const other of stripe.charges.list({ customer: of, limit: PAGE })) {
      if (other.disputed && other.id !== id) found.push(...(await readDisputes(stripe, other.id)));
    }
  } catch (error) {
    // A customer who was deleted has no list any more, and no card to charge.
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
  }
  return found;
}

async function paidFor(
  stripe: Stripe,
  charge: Stripe.Charge,
  paymentIntentId: string | null,
): Promise<ReturnedMoney['paidFor']> {
  const fix = fixReferenceOf(charge.metadata);
  if (fix !== null) return { kind: 'fix', fix };
  if (paymentIntentId === null) return { kind: 'other' };
  const payments = await stripe.invoicePayments
    .list({ payment: { type: 'payment_intent', payment_intent: paymentIntentId }, limit: PAGE })
    .autoPagingToArray({ limit: MAX_FOUND });
  const invoiceIds = payments.map(({ invoice }) => idOf(invoice)).filter((id) => id !== null);
  return invoiceIds.length === 0
    ? { kind: 'other' }
    : { kind: 'invoices', invoiceIds: [...new Set(invoiceIds)] };
}
