import type Stripe from 'stripe';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { headOf } from '../money.ts';
import { type Deed, oneOf, partOf, type ValueWorld, wayOf } from './world.ts';

/* What begins, changes and ends subscriptions, and what time does to them. */

const liveOf = ({ double: { state } }: ValueWorld): Stripe.Subscription[] =>
  state.subscriptions.newestFirst.filter(({ ended_at: ended }) => ended === null);

export const subscribe: Deed = async (world, { pick, share, way }) => {
  const { stripe, stripeCustomerId: customer, priceIds, feeProductId, couponIds } = world;
  const price = wayOf(priceIds, way);
  const isSent = share % 5 === 0;
  const coupon = pick % 3 === 0 ? oneOf(couponIds, pick >> 3) : undefined;
  const { latest_invoice: invoice } = await stripe.subscriptions.create({
    customer,
    items: [{ price, quantity: 1 + (pick % 3) }],
    payment_behavior: 'allow_incomplete',
    ...(isSent && { collection_method: 'send_invoice', days_until_due: 7 }),
    ...(way % 5 === 0 && { trial_period_days: 7 }),
    ...(way % 7 === 0 && { billing_cycle_anchor: world.double.clock.nowSeconds + 10 * 86_400 }),
    ...(share % 4 === 0 && {
      add_invoice_items: [
        { price_data: { currency: 'usd', product: feeProductId, unit_amount: 5_000 + (pick % 999) } },
      ],
    }),
    ...(coupon !== undefined && { discounts: [{ coupon }] }),
  });
  if (isSent && way % 2 === 0) await stripe.invoices.finalizeInvoice(String(invoice));
};

export const changeItem: Deed = (world, { pick, share, way }) => {
  const one = oneOf(liveOf(world), pick);
  const [item] = one?.items.data ?? [];
  if (one === undefined || item === undefined) return null;
  const price = share % 2 === 0 ? wayOf(world.priceIds, share >> 1) : undefined;
  return world.stripe.subscriptions.update(one.id, {
    items: [{ id: item.id, quantity: 1 + (share % 4), ...(price !== undefined && { price }) }],
    proration_behavior: wayOf(['always_invoice', 'create_prorations', 'none'], way),
    ...(way % 11 === 0 && { billing_cycle_anchor: { type: 'now' as const } }),
  });
};

export const addSecondItem: Deed = (world, { pick, way }) => {
  const one = oneOf(liveOf(world), pick);
  const price = wayOf(world.priceIds, pick);
  if (one === undefined || one.items.data.some((item) => item.price.id === price)) return null;
  return world.stripe.subscriptions.update(one.id, {
    items: [{ price, quantity: 1 }],
    proration_behavior: wayOf(['always_invoice', 'create_prorations', 'none'], way),
  });
};

export const endTrial: Deed = (world, { pick }) => {
  const one = oneOf(
    liveOf(world).filter(({ status }) => status === 'trialing'),
    pick,
  );
  return one && world.stripe.subscriptions.update(one.id, { trial_end: 'now' });
};

export const cancel: Deed = (world, { pick, way }) => {
  const one = oneOf(liveOf(world), pick);
  return (
    one && world.stripe.subscriptions.cancel(one.id, { prorate: way % 4 !== 0, invoice_now: way % 3 !== 0 })
  );
};

export const giveBalance: Deed = ({ stripe, stripeCustomerId }, chance) =>
  stripe.customers.createBalanceTransaction(stripeCustomerId, {
    amount: -partOf(60_000, chance),
    currency: 'usd',
  });

export const changeCard: Deed = ({ stripe, stripeCustomerId, cards }, { way }) =>
  stripe.customers.update(stripeCustomerId, {
    invoice_settings: { default_payment_method: wayOf(['', ...cards], way) },
  });

/** Spends credits, so that what is taken back afterwards is owed. */
export const spend: Deed = async ({ deps, customerId, double }, chance) => {
  const { balance } = await headOf(deps, customerId);
  if (balance === 0) return;
  const idempotencyKey = `spent-${double.state.events.size}-${chance.pick}`;
  const amount = -partOf(balance, chance);
  await adjustCredits(deps, customerId, { amount, reason: 'spent', actor: 'tests', idempotencyKey });
};

export const passTime: Deed = (world, { share, way }) => world.days(way % 3 === 0 ? 32 : 1 + (share % 20));
