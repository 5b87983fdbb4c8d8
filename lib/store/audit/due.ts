import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { DueKind } from '../due-work.ts';
import { type DueItem, parseDueKey } from '../keys.ts';
import { attempt, type Item, readTogether, type Table } from '../table.ts';
import type { Meter } from './audit.ts';

/** Keys that one call looks up. */
const PAGE = 100;

export interface DueStored {
  readonly item: DueItem;
  readonly stored: Item;
}

/**
 * All work of a kind that is due, page by page, the oldest first. The index follows the table a moment later, so each item is
 * read itself, and what is done by then is left out.
 */
export async function* readDueWork(table: Table, due: DueKind, meter: Meter): AsyncGenerator<DueStored[]> {
  let from: Item | undefined;
  do {
    const command = new QueryCommand({
      TableName: table.name,
      IndexName: 'due',
      KeyConditionExpression: 'due = :due',
      ExpressionAttributeValues: { ':due': due },
      Limit: PAGE,
      ExclusiveStartKey: from,
      ReturnConsumedCapacity: 'TOTAL',
    });
    const page = await attempt('Reading', () => table.client.send(command));
    const keys = (page.Items ?? []).map(({ pk, sk }) => ({ pk: String(pk), sk: String(sk) }));
    const items = await readTogether(table, keys);
    await meter((page.ConsumedCapacity?.CapacityUnits ?? 0) + keys.length);
    yield keys.flatMap((key, i) => {
      const stored = items[i];
      return stored?.['due'] === due ? [{ item: parseDueKey(key), stored }] : [];
    });
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
}
