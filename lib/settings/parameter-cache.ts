/** How a cache reads, waits and counts. */
export interface CacheSources {
  /** Reads the current value. */
  readonly read: (name: string) => Promise<string>;
  /** Whether a failed read can succeed a moment later. */
  readonly isTransient: (error: unknown) => boolean;
  readonly nowMs: () => number;
  /** From 0 up to but not including 1. */
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Called for each failed refresh of a value that stays in use. */
  readonly onStale: (name: string, error: unknown) => void;
}

/** A value of this age is refreshed while requests still get it. A rolled secret is in use soon after. */
const REFRESH_AFTER_MS = 4 * 60_000;
/** A request waits for the refresh of an older value, but not long. */
const WAIT_AFTER_MS = 5 * 60_000;
const LONGEST_WAIT_MS = 300;
/** After a day without a successful read, the value is no longer trusted. */
const MAX_STALE_MS = 24 * 60 * 60_000;
/** Time between failed refreshes, so that a slow or throttled source is not asked by every request. */
const PAUSE_MS = 10_000;
/**
 * Time between refreshes of a value that was refused. Forged signatures could otherwise cause one per
 * request.
 */
const REFUSED_PAUSE_MS = 60_000;
/**
 * A read that took longer was interrupted: Lambda freezes a function between its requests. Its failure says
 * nothing about the source.
 */
const FROZEN_AFTER_MS = 10_000;
const MAX_TRIES = 3;
const FIRST_WAIT_MS = 100;

interface Entry {
  value: string | undefined;
  /** When the read of `value` began. */
  readAtMs: number;
  /** After a failed refresh, when the next one may begin. */
  nextMs: number;
  refusedAtMs: number;
  /** The read in flight. Never rejects. */
  reading: Promise<Outcome> | undefined;
}

type Outcome =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly error: unknown };

/**
 * Values that change rarely, from a source that can fail. A value is read once, refreshed in the background,
 * and kept for a day while the source is down. So an outage of the source stops no running function.
 */
export class ParameterCache {
  readonly #sources: CacheSources;
  readonly #entries = new Map<string, Entry>();

  constructor(sources: CacheSources) {
    this.#sources = sources;
  }

  /** @throws what the last try threw, if there is no value younger than a day */
  async get(name: string): Promise<string> {
    const entry = this.#entryOf(name);
    const now = this.#sources.nowMs();
    const ageMs = now - entry.readAtMs;
    if (entry.value === undefined || ageMs >= MAX_STALE_MS) return this.#read(name, entry);
    if (ageMs < REFRESH_AFTER_MS || now < entry.nextMs) return entry.value;
    const refresh = this.#refresh(name, entry);
    if (ageMs >= WAIT_AFTER_MS) await Promise.race([refresh, this.#sources.sleep(LONGEST_WAIT_MS)]);
    return entry.value;
  }

  /**
   * The current value, after another party refused the one in use. Read again at most once a minute.
   * @returns undefined if there is no other value
   */
  async afterRefusal(name: string, refused: string): Promise<string | undefined> {
    const entry = this.#entryOf(name);
    const now = this.#sources.nowMs();
    if (entry.value === refused && now >= entry.refusedAtMs + REFUSED_PAUSE_MS) {
      entry.refusedAtMs = now;
      await this.#refresh(name, entry);
    }
    return entry.value === refused ? undefined : entry.value;
  }

  #entryOf(name: string): Entry {
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const never = Number.NEGATIVE_INFINITY;
    const entry = {
      value: undefined,
      readAtMs: never,
      nextMs: never,
      refusedAtMs: never,
      reading: undefined,
    };
    this.#entries.set(name, entry);
    return entry;
  }

  async #read(name: string, entry: Entry): Promise<string> {
    const outcome = await this.#refresh(name, entry, MAX_TRIES);
    if (outcome.ok) return outcome.value;
    throw outcome.error;
  }

  /** All callers share one read. */
  #refresh(name: string, entry: Entry, maxTries = 1): Promise<Outcome> {
    entry.reading ??= this.#load(name, entry, maxTries).finally(() => {
      entry.reading = undefined;
    });
    return entry.reading;
  }

  async #load(name: string, entry: Entry, maxTries: number): Promise<Outcome> {
    const { read, isTransient, nowMs, random, sleep, onStale } = this.#sources;
    for (let tries = 1; ; tries++) {
      const startedMs = nowMs();
      try {
        entry.value = await read(name);
        entry.readAtMs = startedMs;
        return { ok: true, value: entry.value };
      } catch (error) {
        if (tries < maxTries && isTransient(error)) {
          await sleep(random() * FIRST_WAIT_MS * 2 ** tries);
          continue;
        }
        const wasFrozen = nowMs() - startedMs > FROZEN_AFTER_MS;
        if (entry.value !== undefined && !wasFrozen) {
          entry.nextMs = nowMs() + PAUSE_MS;
          onStale(name, error);
        }
        return { ok: false, error };
      }
    }
  }
}
