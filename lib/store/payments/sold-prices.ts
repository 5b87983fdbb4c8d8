import * as z from 'zod/mini';
import { SOLD_PLANS, type SoldPlan, type SoldPrice, type SoldPrices } from '../../domain/plans.ts';
import { CONDITIONS } from '../conditions.ts';
import { type Key, keys } from '../keys.ts';
import { count, readable, record, text, UnreadableItem } from '../record.ts';
import { type Item, readTogether, type Table, type WriteResult, writeOne } from '../table.ts';
import { put } from '../write.ts';

/* A copy of the price at Stripe that each plan is sold at now, for calls that do not ask Stripe. The sweeper keeps it. */

export interface StoredSoldPrice extends SoldPrice {
  readonly priceId: string;
}

const soldPrices = record<StoredSoldPrice>(z.object({ priceId: text, monthCents: count, credits: count }));

/** One key for each plan that is sold. Its items go into `decodeSoldPrices`. */
export const soldPriceKeys = (): readonly Key[] => SOLD_PLANS.map(keys.soldPrice);

/**
 * The prices among the items that were read under `soldPriceKeys`. An item that is not readable is left out: the sweeper
 * replaces it, and no call fails because of it.
 */
export function decodeSoldPrices(items: readonly (Item | undefined)[]): SoldPrices {
  const prices = new Map<SoldPlan, SoldPrice>();
  SOLD_PLANS.forEach((plan, i) => {
    const price = storedPriceIn(items[i]);
    if (price !== null && !(price instanceof UnreadableItem)) prices.set(plan, price);
  });
  return prices;
}

/** In one call. */
export const readSoldPrices = async (table: Table): Promise<SoldPrices> =>
  decodeSoldPrices(await readTogether(table, soldPriceKeys()));

/** Null before the first reading of Stripe. */
export async function readSoldPrice(
  table: Table,
  plan: SoldPlan,
): Promise<StoredSoldPrice | UnreadableItem | null> {
  const [item] = await readTogether(table, [keys.soldPrice(plan)]);
  return storedPriceIn(item);
}

/** Replaces the stored price of a plan. Refused if another sweep has replaced what was `found`. */
export function putSoldPrice(
  table: Table,
  plan: SoldPlan,
  price: StoredSoldPrice,
  found: StoredSoldPrice | UnreadableItem | null,
): Promise<WriteResult> {
  const item = { ...keys.soldPrice(plan), ...soldPrices.encode(price) };
  if (found instanceof UnreadableItem) return writeOne(table, put(item));
  const { priceId, credits } = found ?? NOTHING_FOUND;
  const values = { price: priceId, credits };
  return writeOne(table, put(item, CONDITIONS.SOLD_PRICE_UNMOVED, values));
}

/** No stored price has these. */
const NOTHING_FOUND = { priceId: '', credits: -1 };

const storedPriceIn = (item: Item | undefined): StoredSoldPrice | UnreadableItem | null =>
  item === undefined ? null : readable(soldPrices.decode, item);
