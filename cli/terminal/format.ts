/** 2026-11-24T17:20:31.000Z → "2026-11-24 17:20". UTC, like all stored times. */
export const shortTime = (iso: string): string => iso.slice(0, 16).replace('T', ' ');

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** "3 min", "5 h", "2 d". */
export function ageOf(iso: string, now: Date): string {
  const ms = now.getTime() - new Date(iso).getTime();
  if (ms < HOUR_MS) return `${Math.max(0, Math.floor(ms / MINUTE_MS))} min`;
  return ms < 2 * DAY_MS ? `${Math.floor(ms / HOUR_MS)} h` : `${Math.floor(ms / DAY_MS)} d`;
}

export const orNone = (text: string | null): string => text ?? 'none';

export const yesOrNo = (flag: boolean): string => (flag ? 'yes' : 'no');

/** +5, -1, 0. */
export const signed = (amount: number): string => (amount > 0 ? `+${amount}` : String(amount));

/** Shortens a long id for people. */
export const shortId = (id: string): string => (id.length > 16 ? `${id.slice(0, 12)}…` : id);

/** The metadata of an entry as sorted name=value pairs. */
export const metadataText = (metadata: Readonly<Record<string, string | number>>): string =>
  Object.entries(metadata)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
