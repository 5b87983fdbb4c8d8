import { hash } from 'node:crypto';
import { settleBalance } from './balance.ts';
import { Calls } from './calls.ts';
import { Clock } from './clock.ts';
import { type Cause, EventLog, NO_REQUEST } from './events.ts';
import { type Fault, Faults } from './faults.ts';
import { IdempotencyKeys } from './http/idempotency.ts';
import { Ids, type NewId, type RandomBytes, type Seed } from './ids.ts';
import type { Change, Entry, Journal, Turn } from './journal/entry.ts';
import { Schedule } from './schedule.ts';
import type { Scope } from './scope.ts';
import { State } from './state.ts';
import { Deliveries } from './webhooks/deliveries.ts';

export interface DoubleOptions {
  /** Real time in milliseconds, on which the stand-in's clock runs. */
  readonly realMs?: () => number;
  /** Decides the order of shuffled deliveries. */
  readonly random?: () => number;
  readonly deliveryAttempts?: number;
  readonly deliveryBackoffMs?: number;
}

/** The outcome of a turn, and its digest. */
type Ending<T> = { readonly outcome: string } & ({ readonly value: T } | { readonly error: unknown });

/** One account at Stripe: its objects, its time, and its faults on request. */
export class Double {
  readonly state = new State();
  readonly schedule = new Schedule<Scope>();
  readonly faults = new Faults();
  readonly calls = new Calls();
  readonly idempotencyKeys = new IdempotencyKeys(() => this.state.switches.idempotency_conflict_type);
  readonly clock: Clock;
  readonly deliveries: Deliveries;
  readonly newId: NewId;
  readonly random: RandomBytes;
  readonly realMs: () => number;
  readonly #ids = new Ids();
  readonly #events: EventLog;
  /** The events of the current turn. */
  #eventIds: string[] = [];
  #journal: Journal | null = null;
  #unwritten: unknown = null;

  constructor(options: DoubleOptions = {}) {
    this.realMs = options.realMs ?? Date.now;
    this.newId = this.#ids.newId;
    this.random = this.#ids.random;
    this.clock = new Clock(this.realMs);
    this.deliveries = new Deliveries(this.state, {
      attempts: options.deliveryAttempts ?? 3,
      backoffMs: options.deliveryBackoffMs ?? 200,
      random: options.random ?? Math.random,
      realMs: this.realMs,
      onTaken: (event, endpoint) => this.#write({ kind: 'taken', event, endpoint }),
    });
    this.#events = new EventLog((event) => {
      this.#eventIds.push(event.id);
      this.deliveries.accept(event);
    });
  }

  scope(cause: Cause = NO_REQUEST, version: string | null = null): Scope {
    return this.#scopeAt(this.clock.nowSeconds, cause, version);
  }

  /** Connects the journal. Each later entry is written to it before its effect is visible. */
  keepIn(journal: Journal): void {
    this.#journal = journal;
  }

  /**
   * Runs due tasks, then `work`, at one moment of the stand-in's time. Every change of the stand-in happens
   * in a turn; `change` identifies it in the journal.
   * @throws what `work` throws, or the error of a failed journal write; later turns then throw too.
   */
  turn<T>(change: Change, work: () => T): T {
    this.#assertWritten();
    const start = { atMs: this.clock.nowMs, ...this.#ids.newSeed() };
    const ending = this.#done(start, change, work);
    this.#write({ kind: 'turn', ...start, change, outcome: ending.outcome });
    this.#assertWritten();
    if ('error' in ending) throw ending.error;
    return ending.value;
  }

  /** Repeats a turn of the journal; returns whether the outcome was the same. */
  redo({ outcome, change, ...start }: Turn, work: () => unknown): boolean {
    return this.deliveries.quietly(() => this.#done(start, change, work).outcome === outcome);
  }

  /** Runs the tasks that have come due. */
  catchUp(): void {
    this.#assertWritten();
    if (this.schedule.isDue(this.clock.nowSeconds)) this.turn({ kind: 'time' }, () => undefined);
  }

  /** The fault to apply to this call. */
  takeFault(method: string, path: string): Fault | undefined {
    if (this.faults.waiting.length === 0) return undefined;
    return this.turn({ kind: 'fault', method, path }, () => this.faults.take(method, path));
  }

  /** Moves the clock and stops at every scheduled task; returns how many ran. */
  advanceTo(seconds: number): number {
    const done = this.schedule.run(seconds, (at) => {
      this.clock.moveTo(at);
      return this.#scopeAt(at, NO_REQUEST, null);
    });
    this.clock.moveTo(seconds);
    settleBalance(this.state, this.clock.nowSeconds);
    return done;
  }

  #done<T>(start: Seed & Pick<Turn, 'atMs'>, { kind }: Change, work: () => T): Ending<T> {
    this.#eventIds = [];
    try {
      const value = this.clock.fixedAt(start.atMs, () =>
        this.#ids.seeded(start, () => {
          this.advanceTo(this.clock.nowSeconds);
          return work();
        }),
      );
      // A control may return a value that a restart forgets, such as the number of held deliveries.
      return { value, outcome: this.#digest(kind === 'request' ? value : null) };
    } catch (error) {
      return { error, outcome: this.#digest(String(error)) };
    }
  }

  #digest(result: unknown): string {
    return hash('sha256', JSON.stringify([result, this.#eventIds]), 'base64url').slice(0, 16);
  }

  /** An effect that was not written must stay invisible: after a failed write the stand-in stops. */
  #write(entry: Entry): void {
    if (this.#unwritten !== null) return;
    try {
      this.#journal?.append(entry);
    } catch (error) {
      this.#unwritten = error;
      void this.deliveries.stop();
    }
  }

  #assertWritten(): void {
    if (this.#unwritten !== null) throw this.#unwritten;
  }

  #scopeAt(now: number, cause: Cause, version: string | null): Scope {
    const { state, schedule, newId, random } = this;
    const resend: Scope['resend'] = (event, endpoint) => this.deliveries.redeliver(event, endpoint);
    return { state, schedule, events: this.#events, resend, newId, random, now, cause, version };
  }
}
