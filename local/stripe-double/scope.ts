import type Stripe from 'stripe';
import type { Cause, EventLog, StoredEvent } from './events.ts';
import type { NewId, RandomBytes } from './ids.ts';
import type { Schedule } from './schedule.ts';
import type { State } from './state.ts';

/** The context of one request or scheduled task. Its time is fixed while it runs. */
export interface Scope {
  readonly state: State;
  readonly schedule: Schedule<Scope>;
  readonly events: EventLog;
  /** Sends an event again, to one endpoint or to all endpoints of its type; returns how many. */
  readonly resend: (event: StoredEvent, endpoint?: string) => number;
  readonly newId: NewId;
  readonly random: RandomBytes;
  readonly now: number;
  readonly cause: Cause;
  /** The API version of the request; null if it named none. */
  readonly version: string | null;
}

type Previous = Record<string, unknown>;

/** Records an event with the current state of `object`, as a copy that later changes do not reach. */
export function emit(scope: Scope, type: Stripe.Event.Type, object: object, previous?: Previous): void {
  scope.events.record(scope, type, object, previous);
}

/**
 * Changes `object` in place and returns the changes in the form of `previous_attributes`; null without a
 * change.
 */
export function change<T extends object>(object: T, changes: Partial<T>): Previous | null {
  const previous: Previous = {};
  for (const [name, after] of Object.entries(changes)) {
    const before: unknown = Reflect.get(object, name);
    if (JSON.stringify(before) === JSON.stringify(after)) continue;
    previous[name] = BY_KEY.has(name) ? changedKeys(before, after) : (before ?? null);
  }
  Object.assign(object, changes);
  return Object.keys(previous).length === 0 ? null : previous;
}

/** `change`, with its event. */
export function changeAndEmit<T extends object>(
  scope: Scope,
  type: Stripe.Event.Type,
  object: T,
  changes: Partial<T>,
): void {
  const previous = change(object, changes);
  if (previous !== null) emit(scope, type, object, previous);
}

/** Hashes that `previous_attributes` shows only by their changed keys. */
const BY_KEY: ReadonlySet<string> = new Set(['metadata', 'invoice_settings', 'card']);

/** Only the changed keys; a key that was missing is null. */
function changedKeys(before: unknown, after: unknown): Previous {
  const old = new Map(Object.entries(before ?? {}));
  const recent = new Map(Object.entries(after ?? {}));
  const names = new Set([...old.keys(), ...recent.keys()]);
  const changed = [...names].filter(
    (name) => JSON.stringify(old.get(name)) !== JSON.stringify(recent.get(name)),
  );
  return Object.fromEntries(changed.map((name) => [name, old.get(name) ?? null]));
}
