import type { TestCustomerRemoval } from '../../lib/operators/contracts.ts';
import { toFailure } from '../terminal/failure.ts';
import type { Traveller } from './journey.ts';

const TRIES = 60;
const PAUSE_MS = 1_000;
/** A sign-up that was not answered is decided by then: its function may run for 15 seconds. */
const UNANSWERED_TRIES = 20;

/** Asks the stage to remove the customer who has this address. */
export type Remove = (awaitEvents: boolean) => Promise<TestCustomerRemoval>;

export interface Cleanup {
  readonly state: 'ok' | 'wrong';
  readonly detail: string;
}

/**
 * Removes the customer, and waits for that until Stripe's events of them have arrived; where they do not, removes them all
 * the same, and says so. Never throws: what is left behind is told.
 * @param byHand the command that does the same
 * @param onWaiting hears what it waits for
 */
export async function cleanUp(
  remove: Remove,
  { sleep, signedUp, signUpUnanswered }: Traveller,
  { byHand, onWaiting }: { readonly byHand: string; readonly onWaiting: (what: string) => void },
): Promise<Cleanup> {
  let fault = '';
  for (let tries = 1; tries <= TRIES; tries++) {
    const removal = await remove(true).catch((error: unknown) => ({ state: 'failed', error }) as const);
    switch (removal.state) {
      case 'removed':
        return { state: 'ok', detail: `removed, with ${removal.items} items` };
      case 'unknown':
        if (signUpUnanswered && tries < UNANSWERED_TRIES) break;
        return signedUp
          ? {
              state: 'wrong',
              detail: `the stage does not know the customer that was signed up. Try: ${byHand}`,
            }
          : { state: 'ok', detail: 'nothing to remove' };
      case 'waiting':
        fault = `${removal.events} of Stripe's events did not arrive`;
        break;
      case 'failed':
        fault = toFailure(removal.error).message;
        break;
      default:
        return removal satisfies never;
    }
    onWaiting(fault);
    await sleep(PAUSE_MS);
  }
  return removeAnyway(remove, fault, byHand);
}

async function removeAnyway(remove: Remove, fault: string, byHand: string): Promise<Cleanup> {
  try {
    await remove(false);
    const detail = `removed, but ${fault} within ${TRIES} s: those that still come will be parked. Is the webhook endpoint right? Try: doctor`;
    return { state: 'wrong', detail };
  } catch (error) {
    return { state: 'wrong', detail: `not removed: ${toFailure(error).message} By hand: ${byHand}` };
  }
}
