import { BillingError } from '../errors.ts';
import type { Deps } from '../runtime/deps.ts';
import { hitRateLimit, type RateLimit } from '../store/rate-limits.ts';

/** @throws BillingError rate_limited, with the time until the next call is allowed */
export async function limitRate({ table, now }: Deps, scope: string, limit: RateLimit): Promise<void> {
  const result = await hitRateLimit(table, scope, limit, now());
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
