import type { Gauge, WorkGauges } from '../../runtime/business-events.ts';
import type { Deps } from '../../runtime/deps.ts';
import { type DueKind, type StoredWork, storedWorkPages } from '../../store/due-work.ts';
import { readable, UnreadableItem } from '../../store/record.ts';
import { WORK_KINDS } from './kinds.ts';
import { isOpenKind } from './work-kind.ts';

/** The indexes, and how long their work may be due before it counts. */
const INDEXES = [
  { index: 'charge', graceMs: 0 },
  { index: 'parked', graceMs: 0 },
  { index: 'low_balance', graceMs: 0 },
  { index: 'notice', graceMs: 0 },
  // The schedule that joins held notices has run several times by then.
  { index: 'held', graceMs: 60 * 60 * 1000 },
] as const satisfies readonly { readonly index: DueKind; readonly graceMs: number }[];
const NONE: Gauge = { count: 0, oldestSeconds: 0 };
/** Items counted in one index. More than that is an incident, whose size the alarms need not know. */
const MAX_COUNTED = 500;

/**
 * Counts the open work of every kind and finds the age of the oldest, for alarms: work that stays open has a
 * growing age, whatever the reason is. Reads at most `MAX_COUNTED` items of each index.
 * @throws BillingError ledger_unavailable
 */
export async function measureOpenWork(deps: Deps): Promise<WorkGauges> {
  const gauges: Record<keyof WorkGauges, Gauge> = {
    ...{ fix: NONE, order: NONE, renewal: NONE, double_payment: NONE, closing: NONE },
    ...{ card_session: NONE },
    ...{ event: NONE, head: NONE, notice: NONE, unknown: NONE },
  };
  const now = deps.now();
  for (const { index, graceMs } of INDEXES) {
    let counted = 0;
    const until = new Date(now.getTime() - graceMs);
    for await (const page of storedWorkPages(deps.table, index, until)) {
      for (const work of page) {
        const since = openSince(work);
        if (since === null) continue;
        if (since === 'unreadable') gauges.unknown = withOne(gauges.unknown, 0);
        else gauges[work.item.kind] = withOne(gauges[work.item.kind], now.getTime() - since);
      }
      counted += page.length;
      if (counted >= MAX_COUNTED) break;
    }
  }
  return gauges;
}

const withOne = ({ count, oldestSeconds }: Gauge, ageMs: number): Gauge => ({
  count: count + 1,
  oldestSeconds: Math.max(oldestSeconds, Math.round(ageMs / 1_000)),
});

/**
 * From when the age of the work counts; null if it is done and the index is stale. The due time alone is not
 * enough: each failed try of the sweeper postpones it. It is used for work without a start. What cannot be
 * read has no age: an alarm counts it instead.
 */
function openSince({ item, stored }: StoredWork): number | 'unreadable' | null {
  const dueMs = Date.parse(String(stored['due_at']));
  if (Number.isNaN(dueMs)) return null;
  if (!isOpenKind(item.kind)) return dueMs;
  const kind = WORK_KINDS[item.kind];
  const work = readable((one) => kind.open(one, item), stored);
  if (work === null) return null;
  if (work instanceof UnreadableItem) return 'unreadable';
  return work.since === null ? dueMs : Date.parse(work.since);
}
