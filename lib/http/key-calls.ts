import type { PresentedKey } from '../domain/api-key.ts';
import type { Deps } from '../runtime/deps.ts';
import { addKeyCalls } from '../store/rate-limits.ts';
import { type CallLimit, KEY_LIMIT } from './call-limits.ts';
import type { Notes } from './handler.ts';
import { tooManyCalls } from './rate-limit.ts';

const MINUTE_MS = 60_000;
/** A running function adds its calls of a key to the table in steps. Fewer calls in a minute cost no call. */
const MAX_STEP = 50;
/** A low limit has smaller steps, so that it holds as exactly. */
const STEPS_PER_LIMIT = 100;
/** Keys that one running function counts in a minute. Beyond this number it forgets the oldest. */
const MAX_KEYS = 5_000;
/** The count must not use up the time of the request. */
const COUNT_WITHIN_MS = 500;

/** Calls of one key in the current minute. */
interface Calls {
  /** Not added to the table yet. */
  here: number;
  /** Of all running functions, when this one last added its calls. */
  total: number;
}

/**
 * Limits the calls with one key in each minute. Every running function counts in memory, so an honest caller
 * costs no call to the table. The limit is approximate: each running function can hold back up to one step.
 */
export class KeyCalls {
  #minute = 0;
  #calls = new Map<string, Calls>();

  /**
   * Refuses a key that is known to be over its limit. Call it before the key is checked: a refusal then costs
   * no call to the table. Only keys that were accepted in this minute are known.
   * @throws BillingError rate_limited
   */
  refuse({ keyCallsPerMinute: perMinute, now }: Deps, key: PresentedKey, notes: Notes): void {
    if (perMinute === 0) return;
    const at = now();
    const calls = this.#current(at).get(key.keyId);
    if (calls === undefined || calls.here + calls.total < perMinute) return;
    notes.customerId = key.customerId;
    notes.hasKey = true;
    notes.limits.announce(limitOf(perMinute));
    throw tooManyCalls(limitOf(perMinute), secondsLeft(at));
  }

  /**
   * Counts a call of an accepted key. A failure to count never fails the request.
   * @throws BillingError rate_limited
   */
  async count(deps: Deps, keyId: string, { limits }: Notes): Promise<void> {
    const { keyCallsPerMinute: perMinute } = deps;
    if (perMinute === 0) return;
    const at = deps.now();
    const calls = this.#of(keyId, at);
    calls.here += 1;
    if (calls.here >= stepOf(perMinute)) await add(deps, keyId, calls, at);
    const limit = limitOf(perMinute);
    const seconds = secondsLeft(at);
    const left = perMinute - calls.here - calls.total;
    limits.announce(limit, { calls: Math.max(0, left), seconds });
    if (left < 0) throw tooManyCalls(limit, seconds);
  }

  #of(keyId: string, at: Date): Calls {
    const current = this.#current(at);
    const known = current.get(keyId);
    if (known !== undefined) return known;
    const [oldest] = current.keys();
    if (current.size >= MAX_KEYS && oldest !== undefined) current.delete(oldest);
    const calls = { here: 0, total: 0 };
    current.set(keyId, calls);
    return calls;
  }

  /** A new minute starts without calls. */
  #current(at: Date): Map<string, Calls> {
    const minute = minuteOf(at);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#calls = new Map();
    }
    return this.#calls;
  }
}

/** Adds the calls to the table and reads those of all functions. */
async function add({ table, report }: Deps, keyId: string, calls: Calls, at: Date): Promise<void> {
  const added = calls.here;
  // Concurrent requests count towards the next step.
  calls.here = 0;
  try {
    const minute = new Date(minuteOf(at) * MINUTE_MS);
    const total = await addKeyCalls(table, keyId, minute, added, COUNT_WITHIN_MS);
    // Nothing was written, so these calls are added with the next one.
    if (total === 'contended') calls.here += added;
    else calls.total = Math.max(calls.total, total);
  } catch (error) {
    // They may have been written, so adding them again could refuse an honest caller.
    report({ kind: 'key_calls_not_counted', error });
  }
}

const stepOf = (perMinute: number): number => Math.min(MAX_STEP, Math.ceil(perMinute / STEPS_PER_LIMIT));
const limitOf = (perMinute: number): CallLimit => ({ name: KEY_LIMIT, limit: perMinute, windowSeconds: 60 });
const minuteOf = (at: Date): number => Math.floor(at.getTime() / MINUTE_MS);
const secondsLeft = (at: Date): number => Math.ceil((MINUTE_MS - (at.getTime() % MINUTE_MS)) / 1000);
