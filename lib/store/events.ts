import * as z from 'zod/mini';
import { CONDITIONS } from './conditions.ts';
import { dueAt, storedWork } from './due-work.ts';
import { keys } from './keys.ts';
import { integer, orNull, readable, record, text, UnreadableItem } from './record.ts';
import { type Item, readOne, type Table, type Write } from './table.ts';
import { put } from './write.ts';

const Event = z.object({
  eventId: text,
  type: text,
  outcome: z.enum(['processed', 'ignored', 'parked']),
  /** For people: what was done, or why not. */
  reason: text,
  customerId: z.nullable(text),
  /** The Stripe object of the event. */
  objectId: z.nullable(text),
  /**
   * The event's amount in the smallest unit of the currency; null without an amount, and in older records.
   */
  amount: orNull(integer),
  currency: orNull(text),
  createdAt: text,
  receivedAt: text,
});

/** A webhook event and its outcome. Its content stays at Stripe. */
export type EventRecord = Readonly<z.output<typeof Event>>;

const events = record<EventRecord>(Event);

export const decodeEvent = (item: Item): EventRecord => events.decode(item);

const DAY_SECONDS = 24 * 60 * 60;
/** Stripe can resend an event for 30 days. The guards of its effects never expire. */
const KEPT_DAYS = 90;

/** Stores an event with its outcome. A parked event is due, and kept, until it is applied. */
export function recordEvent(event: EventRecord): Write {
  const received = new Date(event.receivedAt);
  const fate =
    event.outcome === 'parked'
      ? dueAt('parked', received)
      : { expires_at: Math.floor(received.getTime() / 1000) + KEPT_DAYS * DAY_SECONDS };
  return put({ ...keys.event(event.eventId), ...events.encode(event), ...fate }, CONDITIONS.EVENT_IS_OPEN, {
    parked: 'parked',
  });
}

/** All parked events that were received by `until`, the oldest first, page by page. */
export async function* parkedEvents(table: Table, until: Date): AsyncGenerator<EventRecord | UnreadableItem> {
  for await (const { stored } of storedWork(table, 'parked', until)) {
    const event = readable(decodeEvent, stored);
    if (event instanceof UnreadableItem || event.outcome === 'parked') yield event;
  }
}

/** The record of an event; null if the event was never accepted. */
export const readEventRecord = (table: Table, eventId: string): Promise<EventRecord | null> =>
  readOne(table, keys.event(eventId), decodeEvent);
