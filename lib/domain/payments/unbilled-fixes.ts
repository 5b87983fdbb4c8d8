/*
 * How many fixes were recorded lately and are not billed. Recording counts fixes by day in items of its own.
 * The head counts, for the same days, how many of them are billed. Billing writes the head anyway, so the
 * count costs no write unit.
 */

/** Days (UTC) that count: today and the days before. */
export const UNBILLED_DAYS = 30;
const DAY_MS = 24 * 60 * 60 * 1000;

const dayNumber = (at: Date): number => Math.floor(at.getTime() / DAY_MS);

/** The first day that counts, as `2026-12-01`. */
export const firstUnbilledDay = (at: Date): string =>
  new Date((dayNumber(at) - UNBILLED_DAYS + 1) * DAY_MS).toISOString().slice(0, 10);

/**
 * Billed fixes by the day of their recording: the number of the first day since 1970, then a count for each
 * day from then on, as in `20423,5,0,3`. Text, because it is part of every head and must stay short. Empty if
 * nothing was counted.
 */
export type BilledByDay = string;

/** Adds a billed fix to the counts, and drops days that no longer matter. */
export function addBilledFix(before: BilledByDay, recordedAt: Date, at: Date): BilledByDay {
  const counts = countsOf(before);
  const from = dayNumber(at) - UNBILLED_DAYS + 1;
  const recorded = dayNumber(recordedAt);
  counts.set(recorded, (counts.get(recorded) ?? 0) + 1);
  const kept = [...counts].filter(([day, count]) => day >= from && count > 0).map(([day]) => day);
  if (kept.length === 0) return '';
  const [first, last] = [Math.min(...kept), Math.max(...kept)];
  const days = Array.from({ length: last - first + 1 }, (_, n) => counts.get(first + n) ?? 0);
  return [first, ...days].join(',');
}

/**
 * How many fixes were recorded on the days that count, and are not billed.
 * @param recorded how many were recorded, by day (`2026-12-01`)
 */
export function countUnbilledFixes(
  recorded: ReadonlyMap<string, number>,
  billed: BilledByDay,
  at: Date,
): number {
  const counts = countsOf(billed);
  const first = firstUnbilledDay(at);
  return [...recorded]
    .filter(([day]) => day >= first)
    .map(([day, count]) => Math.max(0, count - (counts.get(dayNumber(new Date(day))) ?? 0)))
    .reduce((sum, count) => sum + count, 0);
}

function countsOf(text: BilledByDay): Map<number, number> {
  const [first = 0, ...counts] = text.split(',').map(Number);
  return new Map(counts.map((count, n) => [first + n, count]));
}
