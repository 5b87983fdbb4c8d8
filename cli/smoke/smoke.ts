import { reasonOf } from '../../lib/settings/setup-error.ts';
import { cleanUp, type Remove } from './cleanup.ts';
import { JOURNEY, StepFault, type Traveller } from './journey.ts';

export interface StepResult {
  readonly id: string;
  readonly title: string;
  readonly state: 'ok' | 'wrong' | 'skipped';
  readonly detail: string;
}

export interface SmokeOptions {
  /** No further step is begun when it aborts; what was made is removed all the same. */
  readonly signal: AbortSignal;
  readonly onBegin: (title: string) => void;
  readonly onResult: (result: StepResult) => void;
  /** The command that removes the customer. */
  readonly byHand: string;
}

/**
 * Goes the journey step by step, up to the first that does not do what it should, and removes the customer whatever happened.
 * A call that is under way when it is interrupted is waited for: what it makes has to be known. Never throws.
 */
export async function runSmoke(
  traveller: Traveller,
  remove: Remove,
  options: SmokeOptions,
): Promise<StepResult[]> {
  const { signal, onBegin, onResult, byHand } = options;
  const results: StepResult[] = [];
  const note = (result: StepResult): void => {
    results.push(result);
    onResult(result);
  };
  for (const { id, title, run } of JOURNEY) {
    const reason = skipReason(results, signal);
    if (reason !== null) {
      note({ id, title, state: 'skipped', detail: reason });
      continue;
    }
    onBegin(title);
    note({ id, title, ...(await seen(() => run(traveller))) });
  }
  const title = 'Clean up';
  onBegin(title);
  const onWaiting = (what: string) => onBegin(`${title}: ${what}, waiting`);
  note({ id: 'clean-up', title, ...(await cleanUp(remove, traveller, { byHand, onWaiting })) });
  return results;
}

function skipReason(results: readonly StepResult[], signal: AbortSignal): string | null {
  if (results.some(({ state }) => state === 'wrong')) return 'a step before it did not hold';
  return signal.aborted ? 'interrupted' : null;
}

async function seen(run: () => Promise<string>): Promise<Pick<StepResult, 'state' | 'detail'>> {
  try {
    return { state: 'ok', detail: await run() };
  } catch (error) {
    return { state: 'wrong', detail: error instanceof StepFault ? error.message : reasonOf(error) };
  }
}
