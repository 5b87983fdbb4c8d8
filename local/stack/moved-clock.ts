import { setTimeout as delay } from 'node:timers/promises';
import type { Rate } from './triggers.ts';

const LOOK_EVERY_MS = 250;
/** The clock of a server is read with the delay of its answer: an hour can measure a little short. Far below any rate. */
const MEASURED_SHORT_MS = 5_000;

/** How far ahead of real time a clock is, in milliseconds. */
export type AheadMs = () => number | Promise<number>;

export interface MovedClockOptions {
  readonly aheadMs: AheadMs;
  readonly rates: readonly Rate[];
  readonly run: (functionName: string) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Runs what came due when the clock was moved, once each however far it was: real time is the emulator's business, and knows
 * nothing of a clock that somebody has moved.
 */
export async function followMovedClock({ aheadMs, rates, run, signal }: MovedClockOptions): Promise<void> {
  const start = await aheadMs();
  const ranAt = new Map(rates.map(({ functionName }) => [functionName, start]));
  while (!signal.aborted) {
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    const ahead = await aheadMs();
    for (const { functionName, everyMs } of rates) {
      const movedMs = ahead - (ranAt.get(functionName) ?? ahead);
      if (signal.aborted || movedMs < everyMs - MEASURED_SHORT_MS) continue;
      ranAt.set(functionName, ahead);
      await run(functionName);
    }
  }
}
