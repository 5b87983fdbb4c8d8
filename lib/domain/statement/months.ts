/* Months (UTC), such as 2026-12. */

/** The month, if the text is one; null otherwise. */
export const parseMonth = (text: string): string | null =>
  /^\d{4}-(?:0[1-9]|1[0-2])$/.test(text) ? text : null;

/** The month a number of months later; earlier if the number is negative. */
export function monthAfter(month: string, months: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 1 + months, 1)).toISOString().slice(0, 7);
}

/** When the month begins, in ISO 8601. */
export const startOf = (month: string): string => `${month}-01T00:00:00.000Z`;

/** This month and the months before it, the newest first. */
export const monthsUntil = (month: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => monthAfter(month, -n));
