import * as z from 'zod/mini';

const ANSWER_WITHIN_MS = 2_000;

const Clock = z.object({ now_ms: z.number() });

/**
 * Returns a function that asks the stand-in at `apiBase` how far its clock is ahead of real time. Returns
 * null for a server without such a clock. If the stand-in does not answer, the last known value is used.
 */
export async function clockOfStandIn(apiBase: string): Promise<(() => Promise<number>) | null> {
  const first = await aheadOf(apiBase);
  if (first === null) return null;
  let latest = first;
  return async () => {
    latest = (await aheadOf(apiBase)) ?? latest;
    return latest;
  };
}

async function aheadOf(apiBase: string): Promise<number | null> {
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const response = await fetch(new URL('/_double/clock', apiBase), { signal });
    const clock = Clock.safeParse(await response.json());
    return response.ok && clock.success ? clock.data.now_ms - Date.now() : null;
  } catch {
    return null;
  }
}
