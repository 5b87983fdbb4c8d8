import { BillingError } from '../errors.ts';
import { retryContended } from '../operations/ledger/retry-contended.ts';
import type { Deps } from '../runtime/deps.ts';
import { hitRateLimit, type RateLimit } from '../store/rate-limits.ts';

/**
 * @throws BillingError rate_limited, with the time until the next call is allowed; ledger_busy or
 *   ledger_unavailable if the call could not be counted
 */
export async function limitRate(deps: Deps, scope: string, limit: RateLimit): Promise<void> {
  const result = await retryContended(deps, () => hitRateLimit(deps.table, scope, limit, deps.now()));
  if (result.kind === 'allowed') return;
  const { retryAfterSeconds } = result;
  const detail =
    `At most ${limit.limit} calls in ${limit.windowSeconds} seconds. Try again in ` +
    `${retryAfterSeconds} s.`;
  throw new BillingError('rate_limited', detail, { retryAfterSeconds });
}

/** Per address. */
export const SIGN_UPS: RateLimit = { limit: 10, windowSeconds: 60 };

/** For calls that try a card: thieves test stolen cards by many tries. */
export const CARD_CALLS: RateLimit = { limit: 20, windowSeconds: 60 * 60 };
