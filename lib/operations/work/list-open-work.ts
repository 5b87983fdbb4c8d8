import { type DueKind, type StoredWork, storedWork } from '../../store/due-work.ts';
import { readable, UnreadableItem } from '../../store/record.ts';
import type { Table } from '../../store/table.ts';
import { WORK_KINDS } from './kinds.ts';
import { isOpenKind, type OpenWork } from './work-kind.ts';

/**
 * A due item as open work; null if it is not open work, or is done and the index is stale.
 * @throws UnreadableItem
 */
export function asOpenWork({ item, stored }: StoredWork): OpenWork | null {
  if (item.kind === 'unknown') throw new UnreadableItem(stored, ['sk']);
  return isOpenKind(item.kind) ? WORK_KINDS[item.kind].open(stored, item) : null;
}

/** All open work of one index that was due by `until`, oldest first, page by page. */
export async function* listOpenWork(
  table: Table,
  due: DueKind,
  until: Date,
): AsyncGenerator<OpenWork | UnreadableItem> {
  for await (const work of storedWork(table, due, until)) {
    const open = readable(() => asOpenWork(work), work.stored);
    if (open !== null) yield open;
  }
}
