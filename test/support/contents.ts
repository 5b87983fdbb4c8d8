import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { Item, Table } from '../../lib/store/table.ts';
import { documents } from './documents.ts';

/** Reads the whole table in a fixed order, so that equal contents are equal as JSON. */
export async function contentsOf(table: Table): Promise<Item[]> {
  const items: Item[] = [];
  let from: Item | undefined;
  do {
    const page = await documents(table).send(
      new ScanCommand({ TableName: table.name, ConsistentRead: true, ExclusiveStartKey: from }),
    );
    for (const item of page.Items ?? []) items.push(Object.fromEntries(sortedFields(item)));
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

export const keyOf = ({ pk, sk }: Item): string => `${pk} ${sk}`;

const sortedFields = (value: object): [string, unknown][] =>
  Object.entries(value)
    .map(([name, inner]): [string, unknown] => [name, inOrder(inner)])
    .sort(([a], [b]) => (a < b ? -1 : 1));

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? value.map(inOrder) : Object.fromEntries(sortedFields(value));
}
