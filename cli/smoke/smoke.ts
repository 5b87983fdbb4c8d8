import { reasonOf } from '../../lib/settings/setup-error.ts';
import { cleanUp, type Remove } from './cleanup.ts';
import { JOURNEY, type SmokeCustomer, StepFault } from './journey.ts';

export interface StepResult {
  readonly id: string;
  readonly title: string;
  readonly state: 'ok' | 'wrong' | 'skipped';
  readonly detail: string;
}

export interface SmokeOptions {
  /** When aborted, no further step starts. The customer is still removed. */
  readonly signal: AbortSignal;
  readonly onBegin: (title: string) => void;
  readonly onResult: (result: StepResult) => void;
  /** The command that removes the customer, for a person to run. */
  readonly manualRemoval: string;
}

/**
 * Runs the journey up to the first failing step, then always removes the customer. On an interrupt, waits for
 * the call in flight, because the cleanup must know what the call created. Never throws.
 */
export async function runSmoke(
  customer: SmokeCustomer,
  remove: Remove,
  options: SmokeOptions,
): Promise<StepResult[]> {
  const { signal, onBegin, onResult, manualRemoval } = options;
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
    note({ id, title, ...(await runStep(() => run(customer))) });
  }
  const title = 'Clean up';
  onBegin(title);
  const onWaiting = (reason: string) => onBegin(`${title}: ${reason}, waiting`);
  note({ id: 'clean-up', title, ...(await cleanUp(remove, customer, { manualRemoval, onWaiting })) });
  return results;
}

function skipReason(results: readonly StepResult[], signal: AbortSignal): string | null {
  if (results.some(({ state }) => state === 'wrong')) return 'an earlier step failed';
  return signal.aborted ? 'interrupted' : null;
}

async function runStep(run: () => Promise<string>): Promise<Pick<StepResult, 'state' | 'detail'>> {
  try {
    return { state: 'ok', detail: await run() };
  } catch (error) {
    return { state: 'wrong', detail: error instanceof StepFault ? error.message : reasonOf(error) };
  }
}
