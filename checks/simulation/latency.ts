import type { Random } from './random.ts';

/** How long a message takes: mostly milliseconds, sometimes seconds, so that other actors run in between. */
export function latencyMs(random: Random): number {
  const kind = random.next();
  if (kind < 0.8) return random.int(1, 8);
  if (kind < 0.96) return random.int(8, 80);
  return random.int(80, 3_000);
}
