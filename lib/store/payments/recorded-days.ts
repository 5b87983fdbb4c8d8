import * as z from 'zod/mini';
import { firstUnbilledDay } from '../../domain/payments/unbilled-fixes.ts';
import { keys, ranges, recordedDayOf } from '../keys.ts';
import { readPage } from '../paging.ts';
import type { Table } from '../table.ts';

const Counted = z.object({ sk: z.string(), recorded: z.number() });

/**
 * How many fixes were recorded on each of the last 30 days (UTC). One query of a range of keys: at most 16
 * small items for each day, about 13 read units when all exist.
 */
export async function recordedByDay(
  table: Table,
  customerId: string,
  at: Date,
): Promise<ReadonlyMap<string, number>> {
  const { from, to } = ranges.recordedSince(firstUnbilledDay(at));
  const { items } = await readPage(table, {
    KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
    ExpressionAttributeValues: { ':pk': keys.customer(customerId), ':from': from, ':to': to },
    ConsistentRead: true,
  });
  const days = new Map<string, number>();
  for (const item of items) {
    const { sk, recorded } = Counted.parse(item);
    const day = recordedDayOf(sk);
    days.set(day, (days.get(day) ?? 0) + recorded);
  }
  return days;
}
