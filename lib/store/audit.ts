import { QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { LedgerRecords } from '../domain/verify.ts';
import { decodeEntry, decodeFix, decodeHead } from './items.ts';
import { itemKind, keys } from './keys.ts';
import { attempt, type Item, type Table } from './table.ts';

/**
 * Everything stored of one customer, as `verifyLedger` wants it; null when there is no such customer. Reads the whole
 * partition page by page, strongly consistent: for audits, never for a request. Stripe is not asked.
 */
export async function readLedgerRecords(table: Table, customerId: string): Promise<LedgerRecords | null> {
  const entries: LedgerRecords['entries'][number][] = [];
  const fixes: LedgerRecords['fixes'][number][] = [];
  let head: LedgerRecords['head'] | null = null;
  for await (const item of partition(table, customerId)) {
    const kind = itemKind(item['sk']);
    switch (kind) {
      case 'head':
        head = decodeHead(item);
        break;
      case 'entry':
        entries.push(decodeEntry(item));
        break;
      case 'fix': {
        const { id, billed } = decodeFix(item);
        const announced = billed?.paymentIntentId ? [billed.paymentIntentId] : [];
        fixes.push({ id, billed: billed !== null, announcedPaymentIntentIds: announced });
        break;
      }
      case 'other':
        break;
      default:
        kind satisfies never;
    }
  }
  return head && { head, entries, fixes, cardBonuses: new Map(), events: [], stripe: null };
}

async function* partition(table: Table, customerId: string): AsyncGenerator<Item> {
  let from: Item | undefined;
  do {
    const command = new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': keys.customer(customerId) },
      ConsistentRead: true,
      ExclusiveStartKey: from,
    });
    const page = await attempt('Reading', () => table.client.send(command));
    yield* page.Items ?? [];
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
}

/** Every customer, page by page: reads the whole table, so for audits alone. */
export async function* listCustomerIds(table: Table): AsyncGenerator<string> {
  let from: Item | undefined;
  do {
    const command = new ScanCommand({
      TableName: table.name,
      FilterExpression: 'sk = :head',
      ProjectionExpression: 'customer_id',
      ExpressionAttributeValues: { ':head': keys.head('').sk },
      ExclusiveStartKey: from,
    });
    const page = await attempt('Reading', () => table.client.send(command));
    for (const { customer_id } of page.Items ?? []) yield String(customer_id);
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
}
