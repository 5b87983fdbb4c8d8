import type { Random } from '../random.ts';
import type { World } from '../world.ts';

/** An action at Stripe. Returns its description for the trace, or null if no object fits. */
export type Deed = (world: World, random: Random) => Promise<string | null>;

/** Undefined for an empty list. */
export const oneOf = <T>(random: Random, list: readonly T[]): T | undefined =>
  list.length === 0 ? undefined : random.pick(list);

/** Runs work like a scheduled task of Stripe: without a request, and with events. */
export const asStripe = <T>(double: World['double'], work: () => T): T => double.turn({ kind: 'time' }, work);
