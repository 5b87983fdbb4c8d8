/** Created on first use, because loading Node's calendars takes 10 ms. */
let format: Intl.DateTimeFormat | undefined;

/** "Tuesday, 24 November 2026", in UTC. */
export function longDay(at: Date): string {
  format ??= new Intl.DateTimeFormat('en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  });
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return `${parts.get('weekday')}, ${parts.get('day')} ${parts.get('month')} ${parts.get('year')}`;
}
