import { BillingError } from '../errors.ts';
import { onFirstTry, retryContended } from '../operations/ledger/retry-contended.ts';
import type { Deps } from '../runtime/deps.ts';
import { type Key, keys } from '../store/keys.ts';
import { hitRateLimit, roomOf } from '../store/rate-limits.ts';
import type { Item, Write } from '../store/table.ts';
import type { CallLimit, CountedLimit } from './call-limits.ts';
import type { Remaining } from './limit-headers.ts';

/** The item that counts a caller's calls. A call reads it together with others to learn what is left. */
export const rateKey = ({ scope, windowSeconds }: CountedLimit, caller: string): Key =>
  keys.rate(`${scope}#${caller}`, windowSeconds);

/**
 * Counts a call.
 * @param keyUse stored beside the count, if the call is allowed
 * @throws BillingError rate_limited, with the time until the next call is allowed; ledger_busy or
 *   ledger_unavailable if the call could not be counted
 */
export async function limitRate(
  deps: Deps,
  limit: CountedLimit,
  caller: string,
  keyUse: readonly Write[] = [],
): Promise<void> {
  const scope = `${limit.scope}#${caller}`;
  const writes = onFirstTry(keyUse);
  const result = await retryContended(deps, () =>
    hitRateLimit(deps.table, scope, limit, deps.now(), writes()),
  );
  if (result.kind === 'limited') throw tooManyCalls(limit, result.retryAfterSeconds);
}

/** What is left after this call. `counter` is the item of `rateKey` before it. */
export function remainingAfter(counter: Item | undefined, limit: CountedLimit, now: Date): Remaining {
  const { room, seconds } = roomOf(counter, limit, now);
  return { calls: Math.max(0, room - 1), seconds };
}

export function tooManyCalls(
  { name, limit, windowSeconds }: CallLimit,
  retryAfterSeconds: number,
): BillingError {
  const detail =
    `At most ${limit.toLocaleString('en-US')} calls in ${windowSeconds} seconds. Try again in ` +
    `${retryAfterSeconds} s.`;
  return new BillingError('rate_limited', detail, { retryAfterSeconds, limit: name });
}
