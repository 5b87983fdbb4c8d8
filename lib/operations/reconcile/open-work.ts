import { addOpenWork, NO_OPEN_WORK, type OpenWork, withOpenWork } from '../../domain/reconciliation.ts';
import { readDueWork } from '../../store/audit/survey.ts';
import type { StoredWork } from '../../store/due-work.ts';
import { OPEN_WORK_INDEX } from '../work/kinds.ts';
import { asOpenWork } from '../work/list-open-work.ts';
import { reasonOf } from './outage.ts';
import type { Work } from './work.ts';

/**
 * Reports late open work: each kind after the time in its row of the table. All of it is read at once, at the
 * end.
 * @throws BillingError ledger_unavailable
 */
export async function reportOpenWork({ deps, lease, meter }: Work): Promise<void> {
  const nowMs = deps.now().getTime();
  let open = NO_OPEN_WORK;
  for (const kind of OPEN_WORK_INDEX) {
    for await (const page of readDueWork(deps.table, kind, meter)) {
      open = addOpenWork(
        open,
        page.map((due) => lateWork(due, nowMs)).filter((work) => work !== null),
      );
    }
  }
  await lease.advance(({ report, position }) => ({ report: withOpenWork(report, open), position }));
}

/** Null for recent work. The due time is no measure of age: each try of the sweeper postpones it. */
function lateWork(due: StoredWork, nowMs: number): OpenWork | null {
  try {
    const work = asOpenWork(due);
    if (work === null) return null;
    const { customerId, startedAt, message } = work.facts;
    if (work.since !== null && Date.parse(work.since) > nowMs - work.reportAfterMs) return null;
    return { customerId, since: startedAt, message };
  } catch (error) {
    return { customerId: due.item.customerId, since: null, message: reasonOf(error) };
  }
}
