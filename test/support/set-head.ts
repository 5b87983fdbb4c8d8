import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { keys } from '../../lib/store/keys.ts';
import type { Table } from '../../lib/store/table.ts';
import { documents } from './documents.ts';

/** Sets an attribute of a customer's head by its stored name and bypasses all rules. */
export async function setHead(
  table: Table,
  customerId: string,
  attribute: string,
  value: unknown,
): Promise<void> {
  await documents(table).send(
    new UpdateCommand({
      TableName: table.name,
      Key: keys.head(customerId),
      UpdateExpression: 'SET #attribute = :value',
      ExpressionAttributeNames: { '#attribute': attribute },
      ExpressionAttributeValues: { ':value': value },
    }),
  );
}
