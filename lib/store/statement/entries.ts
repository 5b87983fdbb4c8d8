import type { LedgerEntry } from '../../domain/ledger.ts';
import { keys, ranges } from '../keys.ts';
import { decodeEntry } from '../ledger.ts';
import { readPage } from '../paging.ts';
import { readFound, type Table } from '../table.ts';

/* Parts of a ledger by time and by number. No index by time exists, and none is needed. */

/** Each read of a search narrows it to a sixteenth. */
const WAYS = 16;
const PROBES = Array.from({ length: WAYS - 1 }, (_, n) => n + 1);

/**
 * How many entries were made before each of the moments (ISO 8601), at most six of them. Entries are numbered
 * from 1 without gaps and in the order of time, so a search needs one call for each factor of 16: four calls
 * for 65,000 entries, five for a million. New entries do not change the probes of a search, so the answer for
 * a past moment stays the same, even where the clocks of two writers disagree by milliseconds.
 * @param lastSeq number of the newest entry
 */
export async function entriesBefore(
  table: Table,
  customerId: string,
  lastSeq: number,
  moments: readonly string[],
): Promise<number[]> {
  let counts = moments.map(() => 0);
  for (let step = largestStep(lastSeq); step >= 1; step /= WAYS) {
    const probesFrom = (count: number) => PROBES.map((n) => count + n * step).filter((seq) => seq <= lastSeq);
    const wanted = [...new Set(counts.flatMap(probesFrom))];
    const found = await readFound(table, wanted, (seq) => keys.entry(customerId, seq));
    const times = new Map(found.map(([seq, item]) => [seq, decodeEntry(item).createdAt]));
    counts = counts.map((count, i) => {
      const isBefore = (seq: number) => (times.get(seq) ?? '9') < (moments[i] ?? '');
      const probes = probesFrom(count);
      const firstAfter = probes.findIndex((seq) => !isBefore(seq));
      return count + (firstAfter === -1 ? probes.length : firstAfter) * step;
    });
  }
  return counts;
}

/** The largest power of 16 that is at most `lastSeq`, and at least 1. */
function largestStep(lastSeq: number): number {
  let step = 1;
  while (step * WAYS <= lastSeq) step *= WAYS;
  return step;
}

/** The entries with numbers from `first` to `last`, in stored order: one call for each megabyte. */
export async function readEntries(
  table: Table,
  customerId: string,
  { first, last }: { readonly first: number; readonly last: number },
): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  while (first + entries.length <= last) {
    const { from, to } = ranges.entriesBetween(first + entries.length, last);
    const { items } = await readPage(table, {
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: { ':pk': keys.customer(customerId), ':from': from, ':to': to },
      ConsistentRead: true,
    });
    if (items.length === 0) break;
    entries.push(...items.map(decodeEntry));
  }
  return entries;
}
