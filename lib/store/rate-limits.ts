import * as z from 'zod/mini';
import { RECORDINGS } from '../domain/fix-attempt.ts';
import { UNBILLED_DAYS } from '../domain/payments/unbilled-fixes.ts';
import { CONDITIONS } from './conditions.ts';
import { RESERVED_MS } from './in-time.ts';
import { keys } from './keys.ts';
import { type Contended, type Item, readOne, type Table, type Write, writeTogether } from './table.ts';
import { update, updateBy } from './write.ts';

/** At most `limit` hits in any `windowSeconds`, counted per scope (an address, a customer). */
export interface RateLimit {
  readonly limit: number;
  readonly windowSeconds: number;
}

export type RateResult =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number }
  | Contended;

const RateItem = z.object({ hits: z.array(z.number()) });
const MAX_TRIES = 5;

/**
 * Counts a hit if the sliding window has room. The item holds the times of the newest hits, so the window is
 * exact: no burst across a minute boundary. One call; two if the list is full. A rejected hit does not count.
 * Hits that were counted under a higher limit count only as long as they are in the window.
 * @param alongside what is written with a counted hit
 */
export async function hitRateLimit(
  table: Table,
  scope: string,
  { limit, windowSeconds }: RateLimit,
  now: Date,
  alongside: readonly Write[] = [],
): Promise<RateResult> {
  const key = keys.rate(scope, windowSeconds);
  const nowMs = now.getTime();
  const windowMs = windowSeconds * 1000;
  const expires = Math.ceil(nowMs / 1000) + windowSeconds;
  const append = 'SET hits = list_append(if_not_exists(hits, :none), :now), expires_at = :expires';
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const values = { none: [], now: [nowMs], limit, expires };
    const counted = updateBy(key, append, CONDITIONS.RATE_HAS_ROOM, values);
    const appended = await writeTogether(table, [counted, ...alongside]);
    if (appended.kind === 'written') return { kind: 'allowed' };
    if (appended.kind === 'contended') return appended;

    const { hits } = RateItem.parse(appended.winners[0]);
    const recent = hits.filter((hit) => hit > nowMs - windowMs);
    const blocking = recent[recent.length - limit];
    if (blocking !== undefined) {
      return { kind: 'limited', retryAfterSeconds: Math.ceil((blocking + windowMs - nowMs) / 1000) };
    }
    const set = { hits: [...recent, nowMs], expires_at: expires };
    const replaced = await writeTogether(table, [
      update(key, { set }, CONDITIONS.RATE_UNMOVED, { oldest: hits[0], size: hits.length }),
      ...alongside,
    ]);
    if (replaced.kind === 'written') return { kind: 'allowed' };
    if (replaced.kind === 'contended') return replaced;
  }
  // Reached only by many concurrent calls in one scope, which is what the limit is for.
  return { kind: 'limited', retryAfterSeconds: 1 };
}

/** How many hits the window has room for, and when it has room for more. `counter` may be missing. */
export function roomOf(
  counter: Item | undefined,
  { limit, windowSeconds }: RateLimit,
  now: Date,
): { readonly room: number; readonly seconds: number } {
  const nowMs = now.getTime();
  const hits = counter === undefined ? [] : RateItem.parse(counter).hits;
  const recent = hits.filter((hit) => hit > nowMs - windowSeconds * 1000);
  const freeMs = (recent[0] ?? nowMs) + windowSeconds * 1000 - nowMs;
  return { room: Math.max(0, limit - recent.length), seconds: Math.ceil(freeMs / 1000) };
}

const KeyCallsItem = z.object({ calls: z.number() });

/**
 * Adds calls of an API key in a minute. Ends within `withinMs`, because the calls themselves must not wait.
 * @returns all calls that were added for this minute; `contended` if nothing was written
 * @throws BillingError ledger_unavailable if it is unknown whether they were added
 */
export async function addKeyCalls(
  table: Table,
  keyId: string,
  minute: Date,
  calls: number,
  withinMs: number,
): Promise<number | 'contended'> {
  const key = keys.keyCalls(keyId, minute.toISOString());
  const expires = Math.floor(minute.getTime() / 1000) + KEY_CALLS_SECONDS;
  const quick = endingWithin(table, withinMs);
  const added = await writeTogether(quick, [update(key, { set: { expires_at: expires }, add: { calls } })]);
  if (added.kind !== 'written') return 'contended';
  return (await readOne(quick, key, (item) => KeyCallsItem.parse(item).calls)) ?? calls;
}

/** Longer than its minute, in case clocks differ. */
const KEY_CALLS_SECONDS = 5 * 60;

/** The same table, for calls that end within this time. */
function endingWithin(table: Table, ms: number): Table {
  const endMs = performance.now() + ms;
  // Whole milliseconds, as a time-out needs them.
  const leftMs = () => Math.floor(endMs - performance.now()) + RESERVED_MS;
  const timeLeftMs = () => Math.min(table.tools.timeLeftMs(), leftMs());
  return { ...table, tools: { ...table.tools, timeLeftMs } };
}

/**
 * The count is split over this many items by pull request number, so concurrent recordings rarely conflict.
 * Honest numbers are spread evenly. Together the parts never allow more than the limit.
 */
const PARTS = 16;
const DAY_SECONDS = 24 * 60 * 60;
/** The counts also show what is not billed of the last 30 days: see payments/recorded-days.ts. */
const KEPT_DAYS = UNBILLED_DAYS + 2;

/** Counts a new attempt in the transaction that stores it. Refused if the day's limit is reached. */
export function countRecording(customerId: string, prNumber: number, at: Date): Write {
  const key = keys.recorded(customerId, at.toISOString().slice(0, 10), prNumber % PARTS);
  const expires = Math.floor(at.getTime() / 1000) + KEPT_DAYS * DAY_SECONDS;
  const change = { set: { expires_at: expires }, add: { recorded: 1 } };
  return update(key, change, CONDITIONS.RECORDINGS_HAVE_ROOM, { limit: RECORDINGS.limit / PARTS });
}
