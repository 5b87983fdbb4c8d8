import type Stripe from 'stripe';
import { openDispute } from '../../../local/stripe-double/resources/dispute-open.ts';
import { FIRST_ATTEMPT_BY_HAND } from './by-hand.ts';
import { asStripe, type Deed, oneOf } from './deed.ts';
import { ourCustomers } from './staff.ts';

/* Manual sales and charges by staff: trials with a fee, and a second payment of a fix. */

const FEE_CENTS = 5_000;

/** Starts a Pro trial, mostly with a setup fee. */
export const startTrial: Deed = async (world, random) => {
  const { double, dashboard } = world;
  const customer = oneOf(random, ourCustomers(world));
  const [price] = double.state.prices.newestFirst.filter(({ metadata }) => metadata['plan'] === 'pro');
  if (customer === undefined || price === undefined) return null;
  const hasFee = random.chance(0.7);
  if (hasFee) {
    await dashboard.invoiceItems.create({ customer: customer.id, amount: FEE_CENTS, currency: 'usd' });
  }
  const { id, status } = await dashboard.subscriptions.create({
    customer: customer.id,
    items: [{ price: price.id }],
    trial_period_days: random.int(1, 14),
    payment_behavior: 'allow_incomplete',
  });
  return `${id} of ${customer.id} is ${status}${hasFee ? ', with a fee' : ''}`;
};

export const endTrial: Deed = async ({ double, dashboard }, random) => {
  const one = oneOf(
    random,
    double.state.subscriptions.newestFirst.filter(({ status }) => status === 'trialing'),
  );
  if (one === undefined) return null;
  await dashboard.subscriptions.update(one.id, { trial_end: 'now' });
  return one.id;
};

/**
 * Pays a fix a second time, as after a lost answer. May then refund a part by hand, or dispute the payment.
 */
export const payFixTwice: Deed = async (world, random) => {
  const { double, dashboard } = world;
  const ours = new Set(ourCustomers(world).map(({ id }) => id));
  const first = oneOf(
    random,
    double.state.paymentIntents.newestFirst.filter(
      ({ status, metadata, customer }) =>
        status === 'succeeded' && metadata['purpose'] === 'fix' && ours.has(String(customer)),
    ),
  );
  if (first === undefined) return null;
  const attempt = random.int(FIRST_ATTEMPT_BY_HAND, 1_000_000);
  const { id, latest_charge: chargeId } = await dashboard.paymentIntents.create({
    amount: first.amount,
    currency: first.currency,
    customer: String(first.customer),
    payment_method: 'pm_card_visa',
    confirm: true,
    off_session: true,
    allowed_payment_method_types: ['card'],
    metadata: { ...first.metadata, attempt: String(attempt) },
  });
  const charge = double.state.charges.find(String(chargeId));
  if (charge === undefined) return id;
  return `${id} in addition to ${first.id}${await followUp(world, charge, random)}`;
};

async function followUp(
  { double, dashboard }: Parameters<Deed>[0],
  charge: Stripe.Charge,
  random: Parameters<Deed>[1],
): Promise<string> {
  const what = random.pick(['nothing', 'refund', 'dispute'] as const);
  if (what === 'refund') {
    await dashboard.refunds.create({ charge: charge.id, amount: 100 });
    return ', 100 of it refunded by hand';
  }
  if (what === 'dispute') {
    asStripe(double, () => openDispute(double.scope(), charge, { reason: 'duplicate', inquiry: false }));
    return ', disputed at once';
  }
  return '';
}

/** Refunds one of several payments of an invoice. */
export const refundPart: Deed = async ({ double: { state }, dashboard }, random) => {
  const paid = state.invoicePayments.newestFirst.filter(({ status }) => status === 'paid');
  const parts = paid.filter((one) => paid.some((other) => other !== one && other.invoice === one.invoice));
  const part = oneOf(random, parts);
  const intent = state.paymentIntents.find(String(part?.payment.payment_intent));
  const charge = state.charges.find(String(intent?.latest_charge));
  if (charge === undefined || charge.amount_refunded === charge.amount) return null;
  await dashboard.refunds.create({ charge: charge.id });
  return `${charge.id} of ${String(part?.invoice)}`;
};
