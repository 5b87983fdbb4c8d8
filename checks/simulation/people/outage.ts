import type { Deed } from './deed.ts';

const MAX_OUTAGE_MS = 5 * 60 * 1_000;

/**
 * Stripe rejects the service's writes for a while, and sometimes its reads. Stripe's own pages still work.
 */
export const outage: Deed = async (world, random) => {
  const forMs = random.int(5_000, MAX_OUTAGE_MS);
  const writesOnly = random.chance(0.7);
  world.outage = { untilMs: world.scheduler.nowMs + forMs, writesOnly };
  return `Stripe is out${writesOnly ? ' for writes' : ''} for ${Math.round(forMs / 1_000)} s`;
};
