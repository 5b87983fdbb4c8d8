import type { Random } from './random.ts';

/** How long a message is on its way: mostly a few milliseconds, now and then seconds, so that others come in between. */
export function latencyMs(random: Random): number {
  const kind = random.next();
  if (kind < 0.8) return random.int(1, 8);
  if (kind < 0.96) return random.int(8, 80);
  return random.int(80, 3_000);
}
