import type { TestCustomerRemoval } from '../../lib/operators/contracts.ts';
import { toFailure } from '../terminal/failure.ts';
import type { SmokeCustomer } from './journey.ts';

const TRIES = 60;
const PAUSE_MS = 1_000;
/** By then an unanswered sign-up has succeeded or failed: its function may run for 15 seconds. */
const UNANSWERED_TRIES = 20;

/** Asks the stage to remove the smoke customer. */
export type Remove = (awaitEvents: boolean) => Promise<TestCustomerRemoval>;

interface CleanupOptions {
  readonly manualRemoval: string;
  readonly onWaiting: (reason: string) => void;
}

export interface Cleanup {
  readonly state: 'ok' | 'wrong';
  readonly detail: string;
}

/**
 * Removes the customer once all of Stripe's events about them have arrived. If events are missing after the
 * last try, removes the customer anyway and reports it. Never throws: the result says what was not removed.
 * @param manualRemoval the command that does the same
 * @param onWaiting called with the reason for each wait
 */
export async function cleanUp(
  remove: Remove,
  { sleep, signedUp, signUpUnanswered }: SmokeCustomer,
  { manualRemoval, onWaiting }: CleanupOptions,
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
              detail: `the stage does not know the customer that was signed up. Try: ${manualRemoval}`,
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
  return removeAnyway(remove, fault, manualRemoval);
}

async function removeAnyway(remove: Remove, fault: string, manualRemoval: string): Promise<Cleanup> {
  try {
    await remove(false);
    const detail =
      `removed, but ${fault} within ${TRIES} s: late events will be parked. ` +
      'Is the webhook endpoint right? Try: doctor';
    return { state: 'wrong', detail };
  } catch (error) {
    const detail = `not removed: ${toFailure(error).message} By hand: ${manualRemoval}`;
    return { state: 'wrong', detail };
  }
}
