import type Stripe from 'stripe';
import type { SoldPlan } from '../../domain/plans.ts';
import {
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

/* Customers at Stripe, their default card and their subscriptions. */

export async function findCustomers(stripe: Stripe, email: string, customerId: string): Promise<string[]> {
  const { data } = await stripe.customers.list({ email, limit: PAGE });
  return data.filter(({ metadata }) => metadata['customer_id'] === customerId).map(({ id }) => id);
}

export async function readAccount(
  stripe: Stripe,
  customer: string,
  prices: PriceBook,
): Promise<StripeAccount> {
  const found = await stripe.customers.retrieve(customer);
  if (found.deleted) return { kind: 'deleted' };
  const named = idOf(found.invoice_settings.default_payment_method);
  const [{ data }, method] = await Promise.all([
    stripe.subscriptions.list({ customer, status: 'all', limit: PAGE }),
    // Not by `expand`, which a customer who was deleted meanwhile would be refused for.
    named === null ? null : stripe.paymentMethods.retrieve(named),
  ]);
  // One that is being detached may still be named; it cannot be charged any more.
  const isUsable = idOf(method?.customer) === customer;
  return {
    kind: 'account',
    paymentMethodId: isUsable ? named : null,
    subscriptions: (
      await Promise.all(data.map((subscription) => proSubscriptionOf(subscription, prices)))
    ).filter((subscription) => subscription !== null),
  };
}

/** Null for a subscription to something else. */
export async function proSubscriptionOf(
  subscription: Stripe.Subscription,
  prices: PriceBook,
): Promise<ProSubscription | null> {
  const found = await plannedItemOf(subscription, prices);
  if (found === null) return null;
  const { item, plan } = found;
  const state = stateOfSubscription(subscription);
  return {
    id: subscription.id,
    plan,
    state,
    // The customer portal sets the moment instead of the flag. What is over does not end once more.
    cancelAtPeriodEnd:
      !isOver(state) && (subscription.cancel_at_period_end || subscription.cancel_at !== null),
    currentPeriodEnd: new Date(item.current_period_end * 1000).toISOString(),
    created: subscription.created,
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

function stateOfSubscription({ status }: Stripe.Subscription): SubscriptionState {
  const known = SUBSCRIPTION_STATES.find((state) => state === status);
  // Whether a status that is newer than we are gives the Pro rate is for people to say.
  if (known === undefined) throw new StripeFault('misconfigured', { code: 'unknown_subscription_status' });
  return known;
}
