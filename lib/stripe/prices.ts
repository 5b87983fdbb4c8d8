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
   * The price at which new customers subscribe to a plan.
   * @throws StripeFault misconfigured where the plan has none
   */
  soldPriceId(plan: SoldPlan): Promise<string>;
  /** Takes a price in that Stripe returned as part of something else, so that `find` need not ask for it. */
  learn(price: Stripe.Price): void;
  /** Asks Stripe for the prices once, and again for a price of our products that was not known. */
  find(priceId: string, productId: string | null): Promise<PriceFate>;
}

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

  const read = async (): Promise<void> => {
    const others = SOLD_PLANS.filter((plan) => plan !== 'pro');
    const keys = others.map(lookupKeyOf);
    const named = keys.length === 0 ? [] : (await stripe.prices.list({ lookup_keys: keys })).data;
    for (const price of named) {
      const plan = others.find((one) => lookupKeyOf(one) === price.lookup_key);
      if (plan !== undefined) sold.set(plan, price.id);
      learn(price);
    }
    if (!known.has(proPriceId)) learn(await stripe.prices.retrieve(proPriceId));
    for (const product of products) {
      for await (const price of stripe.prices.list({ product, limit: PAGE })) learn(price);
    }
    isRead = true;
  };

  return {
    learn,

    async soldPriceId(plan) {
      if (!sold.has(plan)) await read();
      const id = sold.get(plan);
      if (id === undefined) throw new StripeFault('misconfigured', { code: 'plan_without_price' });
      return id;
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
  if (!/^\d{1,6}$/.test(credits) || price.unit_amount === null || price.currency !== 'usd') return null;
  return { id: price.id, plan, credits: Number(credits), unitCents: price.unit_amount };
}
