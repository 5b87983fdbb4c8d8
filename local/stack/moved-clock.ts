import { setTimeout as delay } from 'node:timers/promises';
import type { Rate } from './triggers.ts';

const POLL_EVERY_MS = 250;
/** Reading a server's clock takes time, so a moved hour can measure a little short. Far below any rate. */
const TOLERANCE_MS = 5_000;

/** Returns how far a clock is ahead of real time, in milliseconds. */
export type AheadMs = () => number | Promise<number>;

export interface MovedClockOptions {
  readonly aheadMs: AheadMs;
  readonly rates: readonly Rate[];
  readonly run: (functionName: string) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Runs each schedule once if moving the clock made it due, however far the clock moved. The emulator runs
 * schedules by real time only and does not know about a moved clock.
 */
export async function followMovedClock({ aheadMs, rates, run, signal }: MovedClockOptions): Promise<void> {
  const start = await aheadMs();
  const ranAt = new Map(rates.map(({ functionName }) => [functionName, start]));
  while (!signal.aborted) {
    await delay(POLL_EVERY_MS, undefined, { signal }).catch(() => {});
    const ahead = await aheadMs();
    for (const { functionName, everyMs } of rates) {
      const movedMs = ahead - (ranAt.get(functionName) ?? ahead);
      if (signal.aborted || movedMs < everyMs - TOLERANCE_MS) continue;
      ranAt.set(functionName, ahead);
      await run(functionName);
    }
  }
}
