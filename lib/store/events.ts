import { CONDITIONS } from './conditions.ts';
import { dueAt, storedWork } from './due-work.ts';
import { readable, UnreadableItem } from './items.ts';
import { keys } from './keys.ts';
import { decodeEvent, type EventRecord, encodeEvent } from './stripe-items.ts';
import { readOne, type Table, type Write } from './table.ts';
import { put } from './write.ts';

const DAY_SECONDS = 24 * 60 * 60;
/** Stripe can be asked to send an event again for 30 days; what it did is guarded for ever besides. */
const KEPT_DAYS = 90;

/** Stores an event with what became of it. One that is parked is due until it is applied, and kept until then. */
export function recordEvent(event: EventRecord): Write {
  const received = new Date(event.receivedAt);
  const fate =
    event.outcome === 'parked'
      ? dueAt('parked', received)
      : { expires_at: Math.floor(received.getTime() / 1000) + KEPT_DAYS * DAY_SECONDS };
  return put({ ...encodeEvent(event), ...fate }, CONDITIONS.EVENT_IS_OPEN, { parked: 'parked' });
}

/** All events that wait for somebody to look at them and were received by `until`, the oldest first, page by page. */
export async function* parkedEvents(table: Table, until: Date): AsyncGenerator<EventRecord | UnreadableItem> {
  for await (const { stored } of storedWork(table, 'parked', until)) {
    const event = readable(decodeEvent, stored);
    if (event instanceof UnreadableItem || event.outcome === 'parked') yield event;
  }
}

/** What became of an event; null for one that was never accepted. */
export const readEventRecord = (table: Table, eventId: string): Promise<EventRecord | null> =>
  readOne(table, keys.event(eventId), decodeEvent);
