import {
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  type ScanCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { inTime } from '../../../lib/store/in-time.ts';
import { keys } from '../../../lib/store/keys.ts';
import { attempt, type Item, type Table } from './table.ts';

/** A query has a condition on the key; without one the whole table is scanned. `table.name` is added here. */
export type Query = Omit<QueryCommandInput, 'TableName' | 'ExclusiveStartKey'> & {
  readonly KeyConditionExpression: string;
};
export type Scan = Omit<ScanCommandInput, 'TableName' | 'ExclusiveStartKey'>;

export interface Page {
  readonly items: readonly Item[];
  /** The key to continue from; undefined after the last page. */
  readonly next: Item | undefined;
}

/** Called with the read units of a call. Waits as long as the audit's rate limit requires. */
export type Meter = (readUnits: number) => Promise<void>;

/** Reads one page. Only a metered call requests its consumed units. */
export async function readPage(
  table: Table,
  request: Query | Scan,
  from?: Item,
  meter?: Meter,
): Promise<Page> {
  const input = {
    ...request,
    TableName: table.name,
    ...(from && { ExclusiveStartKey: from }),
    ...(meter && { ReturnConsumedCapacity: 'TOTAL' as const }),
  };
  const { Items, LastEvaluatedKey, ConsumedCapacity } = await attempt('Reading', () =>
    'KeyConditionExpression' in input
      ? inTime(table.tools, (options = {}) => table.client.send(new QueryCommand(input), options))
      : inTime(table.tools, (options = {}) => table.client.send(new ScanCommand(input), options)),
  );
  await meter?.(ConsumedCapacity?.CapacityUnits ?? 0);
  return { items: Items ?? [], next: LastEvaluatedKey };
}

/** Reads page after page. Holds one page in memory, however long the result is. */
export async function* pages(
  table: Table,
  request: Query | Scan,
  meter?: Meter,
): AsyncGenerator<readonly Item[]> {
  let from: Item | undefined;
  do {
    const page = await readPage(table, request, from, meter);
    yield page.items;
    from = page.next;
  } while (from !== undefined);
}

/**
 * A customer's items, all or those whose sort keys begin with `prefix`, page by page, strongly consistent.
 */
export async function* itemsOf(
  table: Table,
  customerId: string,
  prefix: string | null,
  meter?: Meter,
): AsyncGenerator<Item> {
  const query = {
    KeyConditionExpression: prefix === null ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
    ExpressionAttributeValues: {
      ':pk': keys.customer(customerId),
      ...(prefix !== null && { ':prefix': prefix }),
    },
    ConsistentRead: true,
  };
  for await (const page of pages(table, query, meter)) yield* page;
}
