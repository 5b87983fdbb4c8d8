import * as z from 'zod/mini';
import { CONDITIONS } from './conditions.ts';
import { dueAt, NOT_DUE } from './due-work.ts';
import { keys } from './keys.ts';
import { orNull, record, text } from './record.ts';
import { type Item, type Table, type Write, writeOne } from './table.ts';
import { put, update } from './write.ts';

/** `closedAt` is when the account was closed. When it is due says little: each failed try of the sweeper puts that off. */
const Closing = z.object({
  email: text,
  closedAt: text,
  /** The sort key up to which the fixes are clear; null until the first part of them is. */
  clearedTo: orNull(text),
});

/** A closed account of which something is still to be deleted. */
export type OpenClosing = Readonly<z.output<typeof Closing>>;

const closings = record<OpenClosing>(Closing);

/**
 * Notes that an account is closed and that something is still to be deleted. The sweeper comes back to it once no earlier
 * request can be in flight any more. Until then the address is kept, because Stripe's customers are found by it.
 */
export function openClosing(customerId: string, email: string, at: Date): Write {
  const closing = closings.encodePart({ email, closedAt: at.toISOString() });
  return put({ ...keys.closing(customerId), ...closing, ...dueAt('charge', at) });
}

/** Null where nothing is left to do. */
export function openClosingOf(item: Item | undefined): OpenClosing | null {
  if (item?.['due'] === undefined) return null;
  return closings.decode(item);
}

/** Notes up to where the fixes are clear, and moves the rest behind the work that waits. A repeat is safe. */
export async function noteCleared(
  table: Table,
  customerId: string,
  clearedTo: string,
  at: Date,
): Promise<void> {
  const set = { ...closings.encodePart({ clearedTo }), ...dueAt('charge', at) };
  await writeOne(table, update(keys.closing(customerId), { set }, CONDITIONS.WORK_IS_DUE));
}

/** Notes that everything is deleted, and forgets the address. A repeat is safe. */
export async function endClosing(table: Table, customerId: string): Promise<void> {
  const change = { remove: [...NOT_DUE, 'email'] };
  await writeOne(table, update(keys.closing(customerId), change, CONDITIONS.WORK_IS_DUE));
}
