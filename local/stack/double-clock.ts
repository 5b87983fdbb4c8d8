import * as z from 'zod/mini';

const ANSWER_WITHIN_MS = 2_000;

const Clock = z.object({ now_ms: z.number() });

/**
 * How far the clock of the stand-in at `apiBase` is ahead of real time, asked of it at each call.
 * Returns null for a server that has no such clock. A stand-in that does not answer for a while counts as not moved.
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
