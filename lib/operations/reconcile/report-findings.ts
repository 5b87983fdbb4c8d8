import type { ReconcileReport } from '../../domain/reconciliation.ts';
import type { Deps } from '../../runtime/deps.ts';

/**
 * Reports the findings of a finished run; again if its end could not be stored. The report contains only ids.
 */
export function reportFindings({ report: tell }: Deps, { run, drift, missed, open }: ReconcileReport): void {
  tell({ kind: 'reconcile_completed', drift: drift.count, missed: missed.count });
  for (const { message: finding, ...facts } of drift.named) {
    tell({ kind: 'drift_found', run, ...facts, finding });
  }
  for (const { eventId, type, outcome, customerId, reason } of missed.named) {
    tell({ kind: 'event_missed', run, eventId, type, outcome, customerId, reason });
  }
  for (const { customerId, since, message: finding } of open.named) {
    tell({ kind: 'work_found_open', run, customerId, since, finding });
  }
}
