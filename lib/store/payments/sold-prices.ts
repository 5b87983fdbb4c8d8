import * as z from 'zod/mini';
import { SOLD_PLANS, type SoldPlan, type SoldPrice, type SoldPrices } from '../../domain/plans.ts';
import { CONDITIONS } from '../conditions.ts';
import { type Key, keys } from '../keys.ts';
import { count, readable, record, text, UnreadableItem } from '../record.ts';
import { type Item, readTogether, type Table, type WriteResult, writeTogether } from '../table.ts';
import { put } from '../write.ts';

/* Copies of the sold prices at Stripe, for calls that do not use Stripe. The sweeper updates them. */

export interface StoredSoldPrice extends SoldPrice {
  readonly priceId: string;
}

const soldPrices = record<StoredSoldPrice>(z.object({ priceId: text, monthCents: count, credits: count }));

/** One key for each sold plan. `decodeSoldPrices` takes the items. */
export const soldPriceKeys = (): readonly Key[] => SOLD_PLANS.map(keys.soldPrice);

/**
 * The prices among the items read under `soldPriceKeys`. An unreadable item is left out: the sweeper replaces
 * it, and no call fails because of it.
 */
export function decodeSoldPrices(items: readonly (Item | undefined)[]): SoldPrices {
  const prices = new Map<SoldPlan, SoldPrice>();
  SOLD_PLANS.forEach((plan, i) => {
    const price = storedPriceIn(items[i]);
    if (price !== null && !(price instanceof UnreadableItem)) prices.set(plan, price);
  });
  return prices;
}

/** Reads all prices in one call. */
export const readSoldPrices = async (table: Table): Promise<SoldPrices> =>
  decodeSoldPrices(await readTogether(table, soldPriceKeys()));

/** Null before the first read from Stripe. */
export async function readSoldPrice(
  table: Table,
  plan: SoldPlan,
): Promise<StoredSoldPrice | UnreadableItem | null> {
  const [item] = await readTogether(table, [keys.soldPrice(plan)]);
  return storedPriceIn(item);
}

/** Replaces the stored price of a plan. Refused if another sweep has replaced `found`. */
export function putSoldPrice(
  table: Table,
  plan: SoldPlan,
  price: StoredSoldPrice,
  found: StoredSoldPrice | UnreadableItem | null,
): Promise<WriteResult> {
  const item = { ...keys.soldPrice(plan), ...soldPrices.encode(price) };
  if (found instanceof UnreadableItem) return writeTogether(table, [put(item)]);
  const { priceId, credits } = found ?? NOTHING_FOUND;
  const values = { price: priceId, credits };
  return writeTogether(table, [put(item, CONDITIONS.SOLD_PRICE_UNMOVED, values)]);
}

/** Values that no stored price has: the write succeeds only if none is stored. */
const NOTHING_FOUND = { priceId: '', credits: -1 };

const storedPriceIn = (item: Item | undefined): StoredSoldPrice | UnreadableItem | null =>
  item === undefined ? null : readable(soldPrices.decode, item);
