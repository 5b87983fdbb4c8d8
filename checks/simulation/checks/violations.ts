import type { World } from '../world.ts';
import { parkedOfOthers, wrongEnds } from './account.ts';
import { brokenInvariants, wrongBalances } from './ledgers.ts';
import {
  expiring,
  fullWindows,
  keysOfClosed,
  leftAtStripe,
  openWork,
  unrecordedEvents,
  wrongNotices,
} from './loose-ends.ts';
import { wrongMoney } from './money.ts';
import { brokenPromises } from './promises.ts';
import { Stored } from './stored.ts';

/**
 * What has to hold when everything has come to rest; empty when all of it does. It is found out from the items and from Stripe,
 * not with the code that wrote them, but for the eight invariants, whose own check is among what is to be proven.
 */
export async function findViolations(world: World): Promise<string[]> {
  const stored = new Stored(world.model);
  return [
    ...openWork(world, stored),
    ...(await brokenInvariants(world, stored)),
    ...wrongBalances(world, stored),
    ...expiring(stored),
    ...wrongEnds(world.double.state, stored),
    ...parkedOfOthers(world.double.state, stored),
    ...keysOfClosed(stored),
    ...leftAtStripe(world, stored),
    ...fullWindows(stored),
    ...wrongNotices(stored, world.mails),
    ...brokenPromises(world.promises, stored),
    ...unrecordedEvents(world, stored),
    ...wrongMoney(world.double.state, stored),
  ];
}
