import { NO_SOLD_PRICES, SOLD_PLANS, type SoldPrices } from '../domain/plans.ts';
import { BillingError } from '../errors.ts';
import type { Deps } from '../runtime/deps.ts';
import { readSoldPrices } from '../store/payments/sold-prices.ts';

/** Maximum age of prices in a function's memory. */
const MAX_AGE_SECONDS = 60;
/** After a failed read, which can take seconds, calls do not wait for another one. */
const RETRY_AFTER_SECONDS = 10;

/** Browsers may cache a price list as long as a function does. */
export const CACHE_PRICES = { 'cache-control': `public, max-age=${MAX_AGE_SECONDS}` };

/**
 * The sold prices for a call without authentication: read at most once a minute, for any number of callers,
 * and once in ten seconds while reading fails. If the table cannot be read, returns the last prices read, or
 * the plans' own numbers: a price list must not need the table.
 */
export function keptSoldPrices(): (deps: Pick<Deps, 'table' | 'now' | 'report'>) => Promise<SoldPrices> {
  let prices = NO_SOLD_PRICES;
  let readAgainMs = Number.NEGATIVE_INFINITY;
  return async ({ table, now, report }) => {
    const nowMs = now().getTime();
    if (nowMs < readAgainMs) return prices;
    try {
      prices = await readSoldPrices(table);
      readAgainMs = nowMs + MAX_AGE_SECONDS * 1_000;
    } catch (error) {
      if (!(error instanceof BillingError)) throw error;
      for (const plan of SOLD_PLANS) report({ kind: 'sold_price_not_read', plan, error });
      readAgainMs = now().getTime() + RETRY_AFTER_SECONDS * 1_000;
    }
    return prices;
  };
}
