import { CONDITIONS } from './conditions.ts';
import { type DueItem, type Key, parseDueKey } from './keys.ts';
import { type Meter, pages } from './paging.ts';
import { type Item, readFound, type Table, writeTogether } from './table.ts';
import { update } from './write.ts';

/**
 * Kinds of work that a schedule finds. `charge`: money that moved or may have moved, and accounts being
 * closed. `parked`: events for a person. `low_balance`: heads whose customer gets a warning. `notice`: unsent
 * notices. `held`: notices that wait for the next day's digest. `reminder`: notices whose time may have come.
 */
export type DueKind = 'charge' | 'parked' | 'low_balance' | 'notice' | 'held' | 'reminder';

/** The attributes that put an item into the index of due work. */
export const dueAt = (due: DueKind, at: Date): Item => ({ due, due_at: at.toISOString() });

/** Removing these takes an item out of the index. */
export const NOT_DUE = ['due', 'due_at'] as const;

export interface DueWork {
  readonly key: Key;
  readonly item: DueItem;
}

/**
 * The oldest work of a kind that came due before `until`, at most `limit`. The index is eventually
 * consistent, so listed work may already be done.
 */
export async function listDueWork(
  table: Table,
  due: DueKind,
  until: Date,
  limit: number,
): Promise<DueWork[]> {
  for await (const page of dueWorkPages(table, due, until, limit)) return page;
  return [];
}

/** All work of a kind, the oldest first, page by page; with `until`, only work that came due before it. */
export async function* dueWorkPages(
  table: Table,
  due: DueKind,
  until: Date | null,
  pageSize: number,
  meter?: Meter,
): AsyncGenerator<DueWork[]> {
  const query = {
    IndexName: 'due',
    KeyConditionExpression: until === null ? 'due = :due' : 'due = :due AND due_at <= :until',
    ExpressionAttributeValues: { ':due': due, ...(until && { ':until': until.toISOString() }) },
    Limit: pageSize,
  };
  for await (const page of pages(table, query, meter)) {
    yield page.map(({ pk, sk }) => {
      const key = { pk: String(pk), sk: String(sk) };
      return { key, item: parseDueKey(key) };
    });
  }
}

/** Maximum of one batch read. */
const PAGE = 100;

export interface StoredWork extends DueWork {
  readonly stored: Item;
}

/**
 * The work of a kind with its items, page by page. Deleted items are left out. Finished work may be included,
 * because the index lags behind; the item itself has the current state.
 */
export async function* storedWorkPages(
  table: Table,
  due: DueKind,
  until: Date | null,
  meter?: Meter,
): AsyncGenerator<StoredWork[]> {
  for await (const page of dueWorkPages(table, due, until, PAGE, meter)) {
    const found = await readFound(table, page, ({ key }) => key);
    await meter?.(page.length);
    yield found.map(([work, stored]) => ({ ...work, stored }));
  }
}

/** The work of a kind, item by item. See `storedWorkPages`. */
export async function* storedWork(
  table: Table,
  due: DueKind,
  until: Date | null,
): AsyncGenerator<StoredWork> {
  for await (const page of storedWorkPages(table, due, until)) yield* page;
}

/** Moves failed work to the end of the queue, so that it does not block the rest. */
export async function postponeWork(table: Table, { key }: DueWork, until: Date): Promise<void> {
  await writeTogether(table, [update(key, { set: { due_at: until.toISOString() } }, CONDITIONS.WORK_IS_DUE)]);
}
