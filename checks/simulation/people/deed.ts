import type { Random } from '../random.ts';
import type { World } from '../world.ts';

/** An action at Stripe. Returns its description for the trace; null where Stripe holds nothing to act on. */
export type Deed = (world: World, random: Random) => Promise<string | null>;

/** Undefined for an empty list. */
export const oneOf = <T>(random: Random, list: readonly T[]): T | undefined =>
  list.length === 0 ? undefined : random.pick(list);

/** As the double does scheduled work: a moment of its time, with events. */
export const byItself = <T>(double: World['double'], work: () => T): T => double.turn({ kind: 'time' }, work);
