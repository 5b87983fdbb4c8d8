import type Stripe from 'stripe';
import { isPlan, isSold, type KnownPrice, PLANS, SOLD_PLANS, type SoldPlan } from '../domain/plans.ts';
import { StripeFault } from './fault.ts';
import { PAGE } from './paging.ts';
import { idOf } from './reference.ts';

/*
 * The known prices: all prices of the products made by the setup, each with `plan` and `credits` in its
 * metadata. The setting names only the Pro price for new customers. A subscriber keeps the price of their
 * subscription.
 */

/** How we classify a price. `unknown`: our product, but no metadata. `foreign`: another product. */
export type PriceFate =
  | { readonly kind: 'known'; readonly price: KnownPrice }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'foreign' };

export interface PriceBook {
  /**
   * The price of a plan for new customers, with its amount and credits, read from Stripe each time.
   * @throws StripeFault misconfigured if the plan has none, or the price is not a monthly price of this plan
   */
  soldPrice(plan: SoldPlan): Promise<KnownPrice>;
  /** Stores a price that Stripe returned within another object, so that `find` need not read it. */
  learn(price: Stripe.Price): void;
  /** Reads the prices from Stripe once, and again for an unknown price of our products. */
  find(priceId: string, productId: string | null): Promise<PriceFate>;
}

export const CURRENCY = 'usd';
export const INTERVAL = 'month';

/**
 * The lookup key of a plan's price for new customers. For Pro, the setting also names the price and takes
 * precedence.
 */
export const lookupKeyOf = (plan: SoldPlan): string => `rsolv_${plan}_monthly`;

export function priceBook(stripe: Stripe, proPriceId: string): PriceBook {
  const known = new Map<string, KnownPrice>();
  const products = new Set<string>();
  const sold = new Map<SoldPlan, string>([['pro', proPriceId]]);
  let isRead = false;

  const learn = (price: Stripe.Price): void => {
    const plan = SOLD_PLANS.find((one) => sold.get(one) === price.id) ?? null;
    const product = idOf(price.product) ?? '';
    if (plan !== null) products.add(product);
    const found = products.has(product) ? knownPriceOf(price, plan) : null;
    if (found !== null) known.set(price.id, found);
  };

  /** Null if no price has the plan's lookup key. */
  const readSold = async (plan: SoldPlan): Promise<Stripe.Price | null> => {
    const price =
      plan === 'pro' ? await stripe.prices.retrieve(proPriceId) : await priceUnderKey(stripe, plan);
    if (price === null) return null;
    sold.set(plan, price.id);
    learn(price);
    return price;
  };

  const read = async (): Promise<void> => {
    for (const plan of SOLD_PLANS) {
      if (plan !== 'pro' || !known.has(proPriceId)) await readSold(plan);
    }
    for (const product of products) {
      for await (const price of stripe.prices.list({ product, limit: PAGE })) learn(price);
    }
    isRead = true;
  };

  return {
    learn,

    async soldPrice(plan) {
      const price = await readSold(plan);
      if (price === null) throw new StripeFault('misconfigured', { code: 'plan_without_price' });
      const sells = soldPriceIn(price, plan);
      if (sells === null) throw new StripeFault('misconfigured', { code: 'price_of_another_kind' });
      return sells;
    },

    async find(priceId, productId) {
      const isOurs = () => productId !== null && products.has(productId);
      if (!known.has(priceId) && (!isRead || isOurs())) await read();
      const price = known.get(priceId);
      if (price !== undefined) return { kind: 'known', price };
      return { kind: isOurs() ? 'unknown' : 'foreign' };
    },
  };
}

/**
 * What a price's metadata states. A sold price from before the setup wrote metadata has the plan's own
 * numbers. Null without `plan` and `credits`, or without one amount per unit in US dollars.
 */
export function knownPriceOf(price: Stripe.Price, soldAs: SoldPlan | null): KnownPrice | null {
  const plan = price.metadata['plan'] ?? soldAs;
  if (plan === null || !isPlan(plan) || !isSold(plan)) return null;
  const credits = price.metadata['credits'] ?? (soldAs === plan ? String(PLANS[plan].sold.credits) : '');
  if (!/^\d{1,6}$/.test(credits) || price.unit_amount === null || price.currency !== CURRENCY) return null;
  return { id: price.id, plan, credits: Number(credits), unitCents: price.unit_amount };
}

/** A price read as the sold price of a plan. Null unless it is a monthly price of that plan. */
export function soldPriceIn(price: Stripe.Price, plan: SoldPlan): KnownPrice | null {
  const known = isMonthly(price) ? knownPriceOf(price, plan) : null;
  return known?.plan === plan ? known : null;
}

/** Charged monthly, in US dollars, in advance. */
export const isMonthly = ({ currency, recurring }: Stripe.Price): boolean =>
  currency === CURRENCY &&
  recurring?.interval === INTERVAL &&
  recurring.interval_count === 1 &&
  recurring.usage_type === 'licensed';

export async function priceUnderKey(stripe: Stripe, plan: SoldPlan): Promise<Stripe.Price | null> {
  const { data } = await stripe.prices.list({ lookup_keys: [lookupKeyOf(plan)], limit: 1 });
  return data[0] ?? null;
}
