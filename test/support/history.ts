import { BatchWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { CustomerHead } from '../../lib/domain/customer.ts';
import { type Posting, post } from '../../lib/domain/ledger.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { decodeHead, encodeHead } from '../../lib/store/heads.ts';
import { keys } from '../../lib/store/keys.ts';
import { encodeEntry } from '../../lib/store/ledger.ts';
import { type Item, readTogether, type Table } from '../../lib/store/table.ts';
import { documents } from './documents.ts';

const BATCH = 25;

/** Writes items directly to the table, in batches. */
export async function putAll(table: Table, items: readonly Item[]): Promise<void> {
  for (let from = 0; from < items.length; from += BATCH) {
    const puts = items.slice(from, from + BATCH).map((item) => ({ PutRequest: { Item: item } }));
    const { UnprocessedItems } = await documents(table).send(
      new BatchWriteCommand({ RequestItems: { [table.name]: puts } }),
    );
    if (Object.keys(UnprocessedItems ?? {}).length > 0)
      throw new Error('the engine did not process the whole batch');
  }
}

/** Adds `count` customers that only have a head. */
export async function writeHeads(table: Table, like: CustomerHead, count: number): Promise<void> {
  const heads = Array.from({ length: count }, (_, n) =>
    encodeHead({ ...like, customerId: n.toString(16).padStart(32, '0') }),
  );
  await putAll(table, heads);
}

/** Adds a long valid history to a customer at once: `count` entries that alternate between +1 and -1. */
export async function writeHistory({ table, now }: Deps, customerId: string, count: number): Promise<void> {
  const [item] = await readTogether(table, [keys.head(customerId)]);
  if (item === undefined) throw new Error('no head');
  const postings = Array.from(
    { length: count },
    (_, i): Posting => ({ amount: i % 2 === 0 ? 1 : -1, source: 'adjustment', metadata: { n: i } }),
  );
  const { state, entries } = post(decodeHead(item), postings, now());
  await putAll(table, entries.map(encodeEntry));
  await documents(table).send(
    new UpdateCommand({
      TableName: table.name,
      Key: keys.head(customerId),
      UpdateExpression: 'SET balance = :b, seq = :s, chain = :c',
      ExpressionAttributeValues: { ':b': state.balance, ':s': state.seq, ':c': state.chain },
    }),
  );
}
