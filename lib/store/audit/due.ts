import { type DueKind, type StoredWork, storedWorkPages } from '../due-work.ts';
import type { Meter } from '../paging.ts';
import type { Table } from '../table.ts';

/**
 * All work of a kind that is due, page by page, the oldest first. The index is updated shortly after the table, so each item
 * is read itself, and work that is done by then is left out.
 */
export async function* readDueWork(table: Table, due: DueKind, meter: Meter): AsyncGenerator<StoredWork[]> {
  for await (const page of storedWorkPages(table, due, null, meter)) {
    yield page.filter(({ stored }) => stored['due'] === due);
  }
}
