import { addOpenWork, NO_OPEN_WORK, type OpenWork, withOpenWork } from '../../domain/reconciliation.ts';
import { readDueWork } from '../../store/audit/survey.ts';
import type { StoredWork } from '../../store/due-work.ts';
import { OPEN_WORK_INDEX } from '../work/kinds.ts';
import { openWorkIn } from '../work/list-open-work.ts';
import { whyOf } from './outage.ts';
import type { Work } from './work.ts';

/**
 * Names the open work that is late: of each kind after the time that its row in the table says. All of it is looked at in one
 * go, at the end.
 * @throws BillingError ledger_unavailable
 */
export async function reportOpenWork({ deps, held, meter }: Work): Promise<void> {
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
  await held.advance(({ report, position }) => ({ report: withOpenWork(report, open), position }));
}

/** Null for work that has only begun. When it came due says little: each try of the sweeper postpones that. */
function lateWork(due: StoredWork, nowMs: number): OpenWork | null {
  try {
    const work = openWorkIn(due);
    if (work === null) return null;
    const { customerId, startedAt, message } = work.facts;
    if (startedAt !== null && Date.parse(startedAt) > nowMs - work.reportAfterMs) return null;
    return { customerId, since: startedAt, message };
  } catch (error) {
    return { customerId: due.item.customerId, since: null, message: whyOf(error) };
  }
}
