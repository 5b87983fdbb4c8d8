import type { Deed } from './deed.ts';

const MAX_OUTAGE_MS = 5 * 60 * 1_000;

/** Stripe takes nothing from the service for a while, and mostly still answers reads. Its own pages work. */
export const outage: Deed = async (world, random) => {
  const forMs = random.int(5_000, MAX_OUTAGE_MS);
  const writesOnly = random.chance(0.7);
  world.outage = { untilMs: world.scheduler.nowMs + forMs, writesOnly };
  return `Stripe is out${writesOnly ? ' for writes' : ''} for ${Math.round(forMs / 1_000)} s`;
};
