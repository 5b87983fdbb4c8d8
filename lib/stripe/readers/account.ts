import type Stripe from 'stripe';
import type { SoldPlan } from '../../domain/plans.ts';
import {
  givesPro,
  isOver,
  type ProSubscription,
  SUBSCRIPTION_STATES,
  type SubscriptionState,
} from '../../domain/subscription.ts';
import { StripeFault } from '../fault.ts';
import { PAGE } from '../paging.ts';
import type { StripeAccount } from '../port.ts';
import type { PriceBook } from '../prices.ts';
import { idOf } from '../reference.ts';
import { readCoverage } from './coverage.ts';
import { defaultCardOf } from './default-card.ts';

/* Customers at Stripe, with their default card and subscriptions. */

export async function findCustomers(stripe: Stripe, email: string, customerId: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { id, metadata } of stripe.customers.list({ email, limit: PAGE })) {
    if (metadata['customer_id'] === customerId) found.push(id);
  }
  return found;
}

export async function readAccount(
  stripe: Stripe,
  customer: string,
  prices: PriceBook,
): Promise<StripeAccount> {
  const found = await stripe.customers.retrieve(customer);
  if (found.deleted) return { kind: 'deleted' };
  const [card, subscriptions] = await Promise.all([
    defaultCardOf(stripe, found),
    readSubscriptions(stripe, customer, prices),
  ]);
  return { kind: 'account', card, subscriptions };
}

/** All Pro subscriptions of a customer, in every state. Other subscriptions are left out. */
async function readSubscriptions(
  stripe: Stripe,
  customer: string,
  prices: PriceBook,
): Promise<readonly ProSubscription[]> {
  const listed = stripe.subscriptions.list({
    customer,
    status: 'all',
    limit: PAGE,
    expand: ['data.latest_invoice'],
  });
  const found: ProSubscription[] = [];
  for await (const subscription of listed) {
    const pro = await proSubscriptionOf(subscription, prices);
    if (pro !== null) found.push(await withCoverage(stripe, subscription, pro, prices));
  }
  return found;
}

async function withCoverage(
  stripe: Stripe,
  subscription: Stripe.Subscription,
  pro: ProSubscription,
  prices: PriceBook,
): Promise<ProSubscription> {
  if (!givesPro(pro.state)) return pro;
  const currentEnd = Date.parse(pro.currentPeriodEnd ?? '') / 1000;
  const seconds = await readCoverage(stripe, subscription, currentEnd, prices);
  return { ...pro, coveredUntil: seconds === null ? null : isoOf(seconds) };
}

/** Stripe's comment on a subscription that we ended because the customer subscribed again. */
export const REPLACED = 'Replaced by a new subscription';

/** Null for another subscription. Coverage is read separately. */
export async function proSubscriptionOf(
  subscription: Stripe.Subscription,
  prices: PriceBook,
): Promise<ProSubscription | null> {
  const found = await plannedItemOf(subscription, prices);
  if (found === null) return null;
  const { item, plan } = found;
  const state = stateOfSubscription(subscription);
  const periodEnd = item.current_period_end;
  const endsAt = endOf(subscription, state, periodEnd);
  return {
    id: subscription.id,
    plan,
    state,
    // A later date is no cancellation at the end of the period: Stripe still renews.
    cancelAtPeriodEnd: endsAt !== null && endsAt <= periodEnd,
    // Stripe keeps the original end of a period, even if a cancellation ends it earlier.
    currentPeriodEnd: isoOf(Math.min(periodEnd, subscription.ended_at ?? periodEnd, endsAt ?? periodEnd)),
    coveredUntil: null,
    collects: subscription.collection_method === 'charge_automatically' && !subscription.pause_collection,
    created: subscription.created,
    endsAt,
    isReplaced: subscription.cancellation_details?.comment === REPLACED,
    ownCard: idOf(subscription.default_payment_method) ?? idOf(subscription.default_source),
  };
}

/** The first item at a known price; null without one. */
export async function plannedItemOf(
  { items }: Stripe.Subscription,
  prices: PriceBook,
): Promise<{ readonly item: Stripe.SubscriptionItem; readonly plan: SoldPlan } | null> {
  for (const item of items.data) {
    prices.learn(item.price);
    const fate = await prices.find(item.price.id, idOf(item.price.product));
    if (fate.kind === 'known') return { item, plan: fate.price.plan };
  }
  return null;
}

/** The customer portal sets a date instead of the flag. An ended subscription has no end ahead. */
function endOf(
  { cancel_at: date, cancel_at_period_end: flag }: Stripe.Subscription,
  state: SubscriptionState,
  periodEnd: number,
): number | null {
  if (isOver(state)) return null;
  return flag ? Math.min(date ?? periodEnd, periodEnd) : date;
}

const isoOf = (seconds: number): string => new Date(seconds * 1000).toISOString();

function stateOfSubscription({ status }: Stripe.Subscription): SubscriptionState {
  const known = SUBSCRIPTION_STATES.find((state) => state === status);
  // Stripe may add statuses. A person must decide whether a new one gives the Pro rate.
  if (known === undefined) throw new StripeFault('misconfigured', { code: 'unknown_subscription_status' });
  return known;
}
