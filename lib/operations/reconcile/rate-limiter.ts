import type { Deps } from '../../runtime/deps.ts';

/**
 * Limits the average units per second: each caller waits for the time its units take, and concurrent callers
 * wait one after another.
 */
export function rateLimiter(
  unitsPerSecond: number,
  { now, sleep }: Pick<Deps, 'now' | 'sleep'>,
): (units: number) => Promise<void> {
  let freeAtMs = 0;
  return async (units) => {
    const nowMs = now().getTime();
    freeAtMs = Math.max(freeAtMs, nowMs) + (units / unitsPerSecond) * 1000;
    if (freeAtMs > nowMs) await sleep(freeAtMs - nowMs);
  };
}
