import type Stripe from 'stripe';
import { isPlan, isSold, type KnownPrice, PLANS, SOLD_PLANS, type SoldPlan } from '../domain/plans.ts';
import { StripeFault } from './fault.ts';
import { PAGE } from './paging.ts';
import { idOf } from './reference.ts';

/*
 * The known prices: all prices of the products that the setup made, each with `plan` and `credits` in its metadata. The setting
 * names only which price of Pro is sold. A subscriber keeps the price they subscribed at.
 */

/** What a price is to us. `unknown`: of a product of ours, without the metadata. `foreign`: of another product. */
export type PriceFate =
  | { readonly kind: 'known'; readonly price: KnownPrice }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'foreign' };

export interface PriceBook {
  /**
   * The price at which new customers subscribe to a plan. Another plan's than Pro is looked up each time.
   * @throws StripeFault misconfigured where the plan has none
   */
  soldPriceId(plan: SoldPlan): Promise<string>;
  /**
   * The same price with its amount and its credits, read from Stripe each time.
   * @throws StripeFault misconfigured where the plan has none, or one that is not a monthly price of this plan
   */
  soldPrice(plan: SoldPlan): Promise<KnownPrice>;
  /** Takes a price in that Stripe returned as part of something else, so that `find` need not ask for it. */
  learn(price: Stripe.Price): void;
  /** Asks Stripe for the prices once, and again for a price of our products that was not known. */
  find(priceId: string, productId: string | null): Promise<PriceFate>;
}

export const CURRENCY = 'usd';
export const INTERVAL = 'month';

/** The price of a plan that is sold has this key. Pro's is named by the setting too, which counts. */
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

  /** Null where no price has the plan's lookup key. */
  const readSold = async (plan: SoldPlan): Promise<Stripe.Price | null> => {
    const price =
      plan === 'pro' ? await stripe.prices.retrieve(proPriceId) : await priceUnderKey(stripe, plan);
    if (price === null) return null;
    sold.set(plan, price.id);
    learn(price);
    return price;
  };

  const readSoldOrFail = async (plan: SoldPlan): Promise<Stripe.Price> => {
    const price = await readSold(plan);
    if (price === null) throw new StripeFault('misconfigured', { code: 'plan_without_price' });
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

    async soldPriceId(plan) {
      return plan === 'pro' ? proPriceId : (await readSoldOrFail(plan)).id;
    },

    async soldPrice(plan) {
      const price = await readSoldOrFail(plan);
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
 * What a price's metadata says. A sold price without metadata is from before the setup wrote it: then the plan's own numbers hold.
 * Null without `plan` and `credits`, or without one amount for each unit in US dollars.
 */
export function knownPriceOf(price: Stripe.Price, soldAs: SoldPlan | null): KnownPrice | null {
  const plan = price.metadata['plan'] ?? soldAs;
  if (plan === null || !isPlan(plan) || !isSold(plan)) return null;
  const credits = price.metadata['credits'] ?? (soldAs === plan ? String(PLANS[plan].sold.credits) : '');
  if (!/^\d{1,6}$/.test(credits) || price.unit_amount === null || price.currency !== CURRENCY) return null;
  return { id: price.id, plan, credits: Number(credits), unitCents: price.unit_amount };
}

/** What a price says as the one that a plan is sold at. Null unless it is a monthly price of that plan. */
export function soldPriceIn(price: Stripe.Price, plan: SoldPlan): KnownPrice | null {
  const known = isMonthly(price) ? knownPriceOf(price, plan) : null;
  return known?.plan === plan ? known : null;
}

/** Charged each month, in US dollars, in advance. */
export const isMonthly = ({ currency, recurring }: Stripe.Price): boolean =>
  currency === CURRENCY &&
  recurring?.interval === INTERVAL &&
  recurring.interval_count === 1 &&
  recurring.usage_type === 'licensed';

export async function priceUnderKey(stripe: Stripe, plan: SoldPlan): Promise<Stripe.Price | null> {
  const { data } = await stripe.prices.list({ lookup_keys: [lookupKeyOf(plan)], limit: 1 });
  return data[0] ?? null;
}
