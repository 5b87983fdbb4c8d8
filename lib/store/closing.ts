import * as z from 'zod/mini';
import { CONDITIONS } from './conditions.ts';
import { dueAt, NOT_DUE } from './due-work.ts';
import { keys } from './keys.ts';
import { orNull, record, text } from './record.ts';
import { type Item, type Table, type Write, writeTogether } from './table.ts';
import { put, update } from './write.ts';

/**
 * `closedAt` is when the account was closed. The due time can be later: each failed try of the sweeper
 * postpones it.
 */
const Closing = z.object({
  email: text,
  closedAt: text,
  /** The sort key up to which fixes are anonymised; null before the first part. */
  clearedTo: orNull(text),
});

/** A closed account with data that is still to be deleted. */
export type OpenClosing = Readonly<z.output<typeof Closing>>;

const closings = record<OpenClosing>(Closing);

/**
 * Stores that an account is closed and that data is still to be deleted. The sweeper deletes it once no
 * earlier request can be in flight. Until then the address is kept, to find the customers at Stripe.
 */
export function openClosing(customerId: string, email: string, at: Date): Write {
  const closing = closings.encodePart({ email, closedAt: at.toISOString() });
  return put({ ...keys.closing(customerId), ...closing, ...dueAt('charge', at) });
}

/** Null if nothing is left to do. */
export function openClosingOf(item: Item | undefined): OpenClosing | null {
  if (item?.['due'] === undefined) return null;
  return closings.decode(item);
}

/** Stores up to where fixes are anonymised, and moves the rest to the end of the queue. Idempotent. */
export async function noteCleared(
  table: Table,
  customerId: string,
  clearedTo: string,
  at: Date,
): Promise<void> {
  const set = { ...closings.encodePart({ clearedTo }), ...dueAt('charge', at) };
  await writeTogether(table, [update(keys.closing(customerId), { set }, CONDITIONS.WORK_IS_DUE)]);
}

/** Marks a closing as finished: removes the address and the due date, and keeps the item. Idempotent. */
export async function markClosingDone(table: Table, customerId: string): Promise<void> {
  const change = { remove: [...NOT_DUE, 'email'] };
  await writeTogether(table, [update(keys.closing(customerId), change, CONDITIONS.WORK_IS_DUE)]);
}
