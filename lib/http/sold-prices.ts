import { NO_SOLD_PRICES, type SoldPrices } from '../domain/plans.ts';
import { BillingError } from '../errors.ts';
import type { Deps } from '../runtime/deps.ts';
import { readSoldPrices } from '../store/payments/sold-prices.ts';

/** Maximum age of prices in a function's memory. */
const MAX_AGE_SECONDS = 60;

/** Browsers may cache a price list as long as a function does. */
export const CACHE_PRICES = { 'cache-control': `public, max-age=${MAX_AGE_SECONDS}` };

/**
 * The sold prices for a call without authentication: read at most once a minute, for any number of callers.
 * If the table cannot be read, returns the last prices read, or the plans' own numbers: a price list must not
 * need the table.
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
