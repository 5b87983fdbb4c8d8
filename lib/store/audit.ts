import { QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { CustomerHead } from '../domain/customer.ts';
import type { LedgerRecords } from '../domain/verify.ts';
import { decodeEntry, decodeFix, decodeHead } from './items.ts';
import { itemKind, keys } from './keys.ts';
import { decodeDoublePayment, decodeOwner } from './stripe-items.ts';
import { attempt, type Item, readTogether, type Table } from './table.ts';

export interface StoredRecords extends LedgerRecords {
  readonly head: CustomerHead;
  /** Second payments of a fix, which were announced to go back. */
  readonly returnedPaymentIntentIds: readonly string[];
}

/**
 * Everything stored of one customer, as `verifyLedger` wants it; null when there is no such customer. Reads the whole
 * partition page by page, strongly consistent: for audits, never for a request. Stripe is not asked.
 */
export async function readLedgerRecords(table: Table, customerId: string): Promise<StoredRecords | null> {
  const entries: LedgerRecords['entries'][number][] = [];
  const fixes: LedgerRecords['fixes'][number][] = [];
  const returnedPaymentIntentIds: string[] = [];
  let head: CustomerHead | null = null;
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
        const { id, billed, charge } = decodeFix(item);
        fixes.push({
          id,
          billed: billed !== null,
          announcedAttempts: charge?.attempt ?? 0,
          paymentIntentId: billed?.paymentIntentId ?? null,
        });
        break;
      }
      case 'double_payment':
        returnedPaymentIntentIds.push(decodeDoublePayment(item).paymentIntentId);
        break;
      case 'other':
        break;
      default:
        kind satisfies never;
    }
  }
  if (head === null) return null;
  // Events are no customer's own items; each is written with its outcome, or not at all.
  const cardBonuses = await readCardBonuses(table, entries);
  return { head, entries, fixes, cardBonuses, events: [], stripe: null, returnedPaymentIntentIds };
}

/** Whom each card that brought a bonus to this customer belongs to. */
async function readCardBonuses(
  table: Table,
  entries: LedgerRecords['entries'],
): Promise<LedgerRecords['cardBonuses']> {
  const fingerprints = entries
    .filter(({ source }) => source === 'trial_billing_added')
    .map(({ metadata }) => String(metadata['card_fingerprint']));
  const items = await readTogether(table, fingerprints.map(keys.card));
  return new Map(
    fingerprints.flatMap((fingerprint, i): [string, string][] => {
      const item = items[i];
      return item === undefined ? [] : [[fingerprint, decodeOwner(item)]];
    }),
  );
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
