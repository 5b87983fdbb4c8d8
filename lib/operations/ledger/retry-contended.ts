import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { RESERVED_MS } from '../../store/in-time.ts';
import type { Contended } from '../../store/table.ts';

/** The SDK has already sent a throttled call three times, with waits between. */
export const MAX_THROTTLED = 3;
const MAX_TRIES = { conflict: 8, throttled: MAX_THROTTLED } as const;
const FIRST_WAIT_MS = { conflict: 20, throttled: 200 } as const;

/** Contended, or any other result. */
interface Result {
  readonly kind: string;
  readonly why?: Contended['why'];
}

/**
 * Retries a conditional write that wrote nothing because of a conflict with another transaction on the same
 * item, or because the table was throttled. Stops when the request has no time left.
 * @throws BillingError ledger_busy after the last conflict, ledger_unavailable after the last throttling
 */
export async function retryContended<R extends Result>(
  deps: Deps,
  write: () => Promise<R>,
): Promise<Exclude<R, Contended>> {
  for (let tries = 1; ; tries++) {
    const result = await write();
    if (isSettled(result)) return result;
    const { why = 'conflict' } = result;
    const waitMs = deps.random() * FIRST_WAIT_MS[why] * 2 ** (tries - 1);
    if (tries >= MAX_TRIES[why] || !hasTimeFor(deps, waitMs)) throw contentionError(why);
    await deps.sleep(waitMs);
  }
}

/** Whether the current request can wait so long and still be answered. */
export const hasTimeFor = ({ table }: Deps, waitMs: number): boolean =>
  waitMs <= table.tools.timeLeftMs() - RESERVED_MS;

/** Nothing was written. The request can be repeated. */
export function contentionError(why: Contended['why']): BillingError {
  switch (why) {
    case 'conflict':
      return new BillingError(
        'ledger_busy',
        'Many changes at once for this customer. Send the same request again.',
      );
    case 'throttled':
      return new BillingError(
        'ledger_unavailable',
        'The ledger has no capacity at the moment, and nothing was changed. Send the same request again.',
      );
    default:
      return why satisfies never;
  }
}

const isSettled = <R extends Result>(result: R): result is Exclude<R, Contended> =>
  result.kind !== 'contended';
