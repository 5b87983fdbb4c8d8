import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';

const MAX_TRIES = 8;
const FIRST_WAIT_MS = 20;

/**
 * Retries a conditional write that conflicted with another transaction on the same item and wrote nothing.
 * @throws BillingError ledger_busy after the last try
 */
export async function retryContended<R extends { readonly kind: string }>(
  deps: Deps,
  write: () => Promise<R>,
): Promise<Exclude<R, { kind: 'contended' }>> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const result = await write();
    if (isSettled(result)) return result;
    await deps.sleep(deps.random() * FIRST_WAIT_MS * 2 ** tries);
  }
  throw new BillingError(
    'ledger_busy',
    'Too many concurrent changes for this customer. Send the same request again.',
  );
}

function isSettled<R extends { readonly kind: string }>(
  result: R,
): result is Exclude<R, { kind: 'contended' }> {
  return result.kind !== 'contended';
}
