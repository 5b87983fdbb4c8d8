import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { RESERVED_MS } from '../../store/in-time.ts';
import type { Write } from '../../store/table.ts';

const MAX_TRIES = 8;
const FIRST_WAIT_MS = 20;

/**
 * Retries a conditional write that conflicted with another transaction on the same item and wrote nothing.
 * Stops when the request has no time left.
 * @throws BillingError ledger_busy after the last try
 */
export async function retryContended<R extends { readonly kind: string }>(
  deps: Deps,
  write: () => Promise<R>,
): Promise<Exclude<R, { kind: 'contended' }>> {
  for (let tries = 1; ; tries++) {
    const result = await write();
    if (isSettled(result)) return result;
    const waitMs = deps.random() * FIRST_WAIT_MS * 2 ** (tries - 1);
    if (tries >= MAX_TRIES || !hasTimeFor(deps, waitMs)) throw ledgerBusy();
    await deps.sleep(waitMs);
  }
}

/**
 * Writes that are made only beside the first try. Concurrent first calls of a day store the use of one key,
 * and none of them waits for it.
 */
export function onFirstTry(writes: readonly Write[]): () => readonly Write[] {
  let next = writes;
  return () => {
    const now = next;
    next = [];
    return now;
  };
}

/** Whether the current request can wait so long and still be answered. */
export const hasTimeFor = ({ table }: Deps, waitMs: number): boolean =>
  waitMs <= table.tools.timeLeftMs() - RESERVED_MS;

/** Nothing was written. The request can be repeated. */
export const ledgerBusy = (): BillingError =>
  new BillingError('ledger_busy', 'Many changes at once for this customer. Send the same request again.');

function isSettled<R extends { readonly kind: string }>(
  result: R,
): result is Exclude<R, { kind: 'contended' }> {
  return result.kind !== 'contended';
}
