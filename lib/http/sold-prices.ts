import { NO_SOLD_PRICES, type SoldPrices } from '../domain/plans.ts';
import { BillingError } from '../errors.ts';
import type { Deps } from '../runtime/deps.ts';
import { readSoldPrices } from '../store/payments/sold-prices.ts';

/** How old a price may be that a function keeps in memory. */
const MAX_AGE_SECONDS = 60;

/** Browsers may keep a price list for as long as a function does. */
export const CACHE_PRICES = { 'cache-control': `public, max-age=${MAX_AGE_SECONDS}` };

/**
 * The sold prices for a call without authentication: read at most once a minute, however many ask. If the table cannot be read,
 * returns the last prices that were read, and before the first reading the numbers of the plans: a price list needs no table.
 */
export function keptSoldPrices(): (deps: Pick<Deps, 'table' | 'now'>) => Promise<SoldPrices> {
  let prices = NO_SOLD_PRICES;
  let readMs = Number.NEGATIVE_INFINITY;
  return async ({ table, now }) => {
    const nowMs = now().getTime();
    if (nowMs - readMs < MAX_AGE_SECONDS * 1_000) return prices;
    try {
      prices = await readSoldPrices(table);
      readMs = nowMs;
    } catch (error) {
      if (!(error instanceof BillingError)) throw error;
    }
    return prices;
  };
}
