import type { World } from '../world.ts';
import { wrongEnds, wronglyParkedEvents } from './account.ts';
import { brokenInvariants, wrongBalances } from './ledgers.ts';
import {
  expiring,
  fullWindows,
  keysOfClosed,
  leftAtStripe,
  lockedOut,
  openWork,
  unrecordedEvents,
  wrongNotices,
} from './loose-ends.ts';
import { wrongMoney } from './money.ts';
import { brokenPromises } from './promises.ts';
import { wrongSpending } from './spending.ts';
import { Stored } from './stored.ts';

/**
 * The violations at the end of an episode. Read from the items and from Stripe, without the code that wrote
 * them. The exception is the check of the eight invariants, which is itself under test.
 */
export async function findViolations(world: World): Promise<string[]> {
  const stored = new Stored(world.model);
  return [
    ...openWork(world, stored),
    ...(await brokenInvariants(world, stored)),
    ...wrongBalances(world, stored),
    ...expiring(stored),
    ...wrongEnds(world.double.state, stored),
    ...wronglyParkedEvents(world.double.state, stored),
    ...keysOfClosed(stored),
    ...lockedOut(world, stored),
    ...leftAtStripe(world, stored),
    ...fullWindows(stored),
    ...wrongNotices(world, stored),
    ...brokenPromises(world.promises, stored),
    ...unrecordedEvents(world, stored),
    ...wrongMoney(world.double.state, stored),
    ...wrongSpending(world, stored),
  ];
}
