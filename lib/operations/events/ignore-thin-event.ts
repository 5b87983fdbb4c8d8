import type { Deps } from '../../runtime/deps.ts';
import { recordEvent } from '../../store/events.ts';
import { writeTogether } from '../../store/table.ts';
import type { ThinEvent } from '../../stripe/thin-event.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import type { AppliedEvent } from './apply-event.ts';

const REASON = 'thin events are not handled';

/**
 * Records a thin event as ignored, so that Stripe does not send it again. Idempotent.
 * @throws BillingError ledger_busy, ledger_unavailable
 */
export async function ignoreThinEvent(deps: Deps, event: ThinEvent): Promise<AppliedEvent> {
  const write = recordEvent({
    eventId: event.id,
    type: event.type,
    outcome: 'ignored',
    reason: REASON,
    customerId: null,
    ...{ amount: null, currency: null },
    objectId: event.related_object?.id ?? null,
    createdAt: new Date(event.created).toISOString(),
    receivedAt: deps.now().toISOString(),
  });
  const { kind } = await retryContended(deps, () => writeTogether(deps.table, [write]));
  const outcome = kind === 'written' ? 'ignored' : 'duplicate';
  return { outcome, reason: REASON, customerId: null };
}
