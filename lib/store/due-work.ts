import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { CONDITIONS } from './conditions.ts';
import { type DueItem, type Key, parseDueKey } from './keys.ts';
import { attempt, type Item, readTogether, type Table, writeOne } from './table.ts';

/**
 * What a schedule has to come back to. `charge`: money that moved, or may have, and accounts that are being closed; `parked`:
 * events to look at; `low_balance`: heads whose owner is to be warned; `notice`: notices that were not sent yet.
 */
export type DueKind = 'charge' | 'parked' | 'low_balance' | 'notice';

/** The attributes that put an item into the index of due work. */
export const dueAt = (due: DueKind, at: Date): Item => ({ due, due_at: at.toISOString() });

export interface DueWork {
  readonly key: Key;
  readonly item: DueItem;
}

/**
 * The oldest work of a kind that came due before `until`, at most `limit`. The index follows the table a moment later, so
 * what it names may be done already.
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

/** All work of a kind that came due before `until`, the oldest first, page by page. */
export async function* dueWorkPages(
  table: Table,
  due: DueKind,
  until: Date,
  pageSize: number,
): AsyncGenerator<DueWork[]> {
  let from: Item | undefined;
  do {
    const command = new QueryCommand({
      TableName: table.name,
      IndexName: 'due',
      KeyConditionExpression: 'due = :due AND due_at <= :until',
      ExpressionAttributeValues: { ':due': due, ':until': until.toISOString() },
      Limit: pageSize,
      ExclusiveStartKey: from,
    });
    const page = await attempt('Reading', () => table.client.send(command));
    yield (page.Items ?? []).map(({ pk, sk }) => {
      const key = { pk: String(pk), sk: String(sk) };
      return { key, item: parseDueKey(key) };
    });
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
}

/** As many as one call reads. */
const PAGE = 100;

export interface StoredWork extends DueWork {
  readonly stored: Item;
}

/**
 * The items of all work of a kind that came due before `until`, the oldest first, page by page. What is gone meanwhile is left
 * out; what is done is not: the index may be behind, and each item itself says how far it has come.
 */
export async function* storedWork(table: Table, due: DueKind, until: Date): AsyncGenerator<StoredWork> {
  for await (const page of dueWorkPages(table, due, until, PAGE)) {
    const items = await readTogether(
      table,
      page.map(({ key }) => key),
    );
    yield* page.flatMap((work, i) => {
      const stored = items[i];
      return stored === undefined ? [] : [{ ...work, stored }];
    });
  }
}

/** Sends work that failed to the end of the line, so that it does not keep the rest from its turn. */
export async function postponeWork(table: Table, { key }: DueWork, until: Date): Promise<void> {
  await writeOne(table, {
    update: {
      Key: { ...key },
      UpdateExpression: 'SET due_at = :at',
      ConditionExpression: CONDITIONS.WORK_IS_DUE,
      ExpressionAttributeValues: { ':at': until.toISOString() },
    },
  });
}
