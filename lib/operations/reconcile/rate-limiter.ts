import type { Deps } from '../../runtime/deps.ts';

/**
 * Keeps to so many units a second, on average: whoever used some waits as long as they are worth, one after the other where
 * several do at once.
 */
export function paced(
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
