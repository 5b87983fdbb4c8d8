import type Stripe from 'stripe';
import type { NewId } from './ids.ts';
import { STRIPE_API_VERSION } from './version.ts';

/** The cause of a change: a request, or only time (`null`s). */
export interface Cause {
  readonly id: string | null;
  readonly idempotency_key: string | null;
}

export const NO_REQUEST: Cause = { id: null, idempotency_key: null };

/** The parts of an event that come from the moment of its creation. */
interface Moment {
  readonly newId: NewId;
  /** Unix time in seconds. */
  readonly now: number;
  readonly cause: Cause;
}

/** A stored event. `data` is plain JSON, so later changes cannot reach it. */
export interface StoredEvent extends Omit<Stripe.EventBase, 'data'> {
  readonly data: {
    readonly object: { readonly id?: string; readonly object?: string };
    readonly previous_attributes?: Readonly<Record<string, unknown>>;
  };
}

export type EventSink = (event: StoredEvent) => void;

/** Makes events and passes each on, at once or when its outcome is certain. */
export class EventLog {
  #held: StoredEvent[] | null = null;
  readonly #sink: EventSink;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  record(
    { newId, now, cause }: Moment,
    type: Stripe.Event.Type,
    object: object,
    previous?: Readonly<Record<string, unknown>>,
  ): void {
    const event: StoredEvent = {
      id: newId('evt'),
      object: 'event',
      api_version: STRIPE_API_VERSION,
      created: now,
      data: { object: copyOf(object), ...(previous && { previous_attributes: copyOf(previous) }) },
      livemode: false,
      pending_webhooks: 0,
      request: { ...cause },
      type,
    };
    if (this.#held === null) this.#sink(event);
    else this.#held.push(event);
  }

  /** Holds the events of `work`. `settle` then selects and orders the ones to pass on. */
  holding<T>(
    work: () => T,
    settle: (events: readonly StoredEvent[], result: T) => readonly StoredEvent[],
  ): T {
    const outer = this.#held;
    const held: StoredEvent[] = [];
    this.#held = held;
    try {
      const result = work();
      this.#held = outer;
      for (const event of settle(held, result)) {
        if (outer === null) this.#sink(event);
        else outer.push(event);
      }
      return result;
    } finally {
      this.#held = outer;
    }
  }
}

const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value));
