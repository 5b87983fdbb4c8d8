import * as z from 'zod/mini';
import { keys } from '../keys.ts';
import { type Meter, pages } from '../paging.ts';
import { integer, record } from '../record.ts';
import { type Table, writeTogether } from '../table.ts';
import { put } from '../write.ts';

/** Movements at Stripe on one day. US cents; outgoing money is negative. */
export interface StoredDay {
  readonly charges: number;
  readonly refunds: number;
  readonly disputes: number;
  readonly other: number;
  readonly fees: number;
}

const days = record<StoredDay>(
  z.object({ charges: integer, refunds: integer, disputes: integer, other: integer, fees: integer }),
);

/** Stores the sums of a day and replaces those of an earlier run. Idempotent. */
export async function putDay(table: Table, day: string, sums: StoredDay): Promise<void> {
  await writeTogether(table, [put({ ...keys.day(day), ...days.encode(sums) })]);
}

/** The total of all stored days before `day`. */
export async function readDaysBefore(
  table: Table,
  day: string,
  meter?: Meter,
): Promise<{ readonly days: number; readonly sums: StoredDay }> {
  let count = 0;
  let sums: StoredDay = { charges: 0, refunds: 0, disputes: 0, other: 0, fees: 0 };
  const query = {
    KeyConditionExpression: 'pk = :pk AND sk < :day',
    ExpressionAttributeValues: { ':pk': keys.day(day).pk, ':day': day },
    ConsistentRead: true,
  };
  for await (const page of pages(table, query, meter)) {
    for (const item of page) {
      sums = added(sums, days.decode(item));
      count += 1;
    }
  }
  return { days: count, sums };
}

const added = (one: StoredDay, other: StoredDay): StoredDay => ({
  charges: one.charges + other.charges,
  refunds: one.refunds + other.refunds,
  disputes: one.disputes + other.disputes,
  other: one.other + other.other,
  fees: one.fees + other.fees,
});
