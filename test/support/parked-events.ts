import { type EventRecord, parkedEvents } from '../../lib/store/events.ts';
import { UnreadableItem } from '../../lib/store/record.ts';
import type { Table } from '../../lib/store/table.ts';

/** All parked events. Each must be readable. */
export async function parkedOf(table: Table, now: Date): Promise<EventRecord[]> {
  const all: EventRecord[] = [];
  for await (const event of parkedEvents(table, now)) {
    if (event instanceof UnreadableItem) throw event;
    all.push(event);
  }
  return all;
}
