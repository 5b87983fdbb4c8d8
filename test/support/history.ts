import { BatchWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Deps } from '../../lib/deps.ts';
import { type Posting, post } from '../../lib/domain/ledger.ts';
import { decodeHead, encodeEntry } from '../../lib/store/items.ts';
import { keys } from '../../lib/store/keys.ts';
import { readTogether } from '../../lib/store/table.ts';

const BATCH = 25;

/** Gives a customer a long, sound history at once: `count` more entries of +1 and -1 in turn. */
export async function writeHistory({ table, now }: Deps, customerId: string, count: number): Promise<void> {
  const [item] = await readTogether(table, [keys.head(customerId)]);
  if (item === undefined) throw new Error('no head');
  const postings = Array.from(
    { length: count },
    (_, i): Posting => ({ amount: i % 2 === 0 ? 1 : -1, source: 'adjustment', metadata: { n: i } }),
  );
  const { state, entries } = post(decodeHead(item), postings, now());
  for (let from = 0; from < entries.length; from += BATCH) {
    const puts = entries
      .slice(from, from + BATCH)
      .map((entry) => ({ PutRequest: { Item: encodeEntry(entry) } }));
    const { UnprocessedItems } = await table.client.send(
      new BatchWriteCommand({ RequestItems: { [table.name]: puts } }),
    );
    if (Object.keys(UnprocessedItems ?? {}).length > 0)
      throw new Error('the engine did not take the whole batch');
  }
  await table.client.send(
    new UpdateCommand({
      TableName: table.name,
      Key: keys.head(customerId),
      UpdateExpression: 'SET balance = :b, seq = :s, chain = :c',
      ExpressionAttributeValues: { ':b': state.balance, ':s': state.seq, ':c': state.chain },
    }),
  );
}
