import { Calls } from './calls.ts';
import { Clock } from './clock.ts';
import { EventLog } from './events.ts';
import { Faults } from './faults.ts';
import { IdempotencyKeys } from './http/idempotency.ts';
import { idGenerator, type NewId } from './ids.ts';
import { Schedule } from './schedule.ts';
import { BY_ITSELF, type Cause, type Scope } from './scope.ts';
import { State } from './state.ts';
import { Deliveries } from './webhooks/deliveries.ts';

export interface DoubleOptions {
  /** Real time in milliseconds: what the double's clock runs on. */
  readonly realMs?: () => number;
  readonly newId?: NewId;
  /** Decides the order of shuffled deliveries. */
  readonly random?: () => number;
  readonly deliveryAttempts?: number;
  readonly deliveryBackoffMs?: number;
}

/** One account at Stripe: its objects, its time, and what it is asked to do wrong. */
export class Double {
  readonly state = new State();
  readonly schedule = new Schedule();
  readonly faults = new Faults();
  readonly calls = new Calls();
  readonly idempotencyKeys = new IdempotencyKeys();
  readonly clock: Clock;
  readonly deliveries: Deliveries;
  readonly newId: NewId;
  readonly realMs: () => number;
  readonly #events: EventLog;

  constructor(options: DoubleOptions = {}) {
    this.realMs = options.realMs ?? Date.now;
    this.newId = options.newId ?? idGenerator();
    this.clock = new Clock(this.realMs);
    this.deliveries = new Deliveries(this.state, {
      attempts: options.deliveryAttempts ?? 3,
      backoffMs: options.deliveryBackoffMs ?? 200,
      random: options.random ?? Math.random,
      realMs: this.realMs,
    });
    this.#events = new EventLog((event) => this.deliveries.accept(event));
  }

  scope(cause: Cause = BY_ITSELF, version: string | null = null): Scope {
    return this.#scopeAt(this.clock.nowSeconds, cause, version);
  }

  /** Does what came due while nobody looked. */
  catchUp(): void {
    this.advanceTo(this.clock.nowSeconds);
  }

  /** Moves the clock, stopping wherever something happens by itself; answers how much did. */
  advanceTo(seconds: number): number {
    const done = this.schedule.run(seconds, (at) => {
      this.clock.moveTo(at);
      return this.#scopeAt(at, BY_ITSELF, null);
    });
    this.clock.moveTo(seconds);
    return done;
  }

  #scopeAt(now: number, cause: Cause, version: string | null): Scope {
    const { state, schedule, newId } = this;
    return { state, schedule, events: this.#events, newId, now, cause, version };
  }
}
