import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import type { Random } from './random.ts';

/** An actor that does one thing: a request, a delivery, or a run of a schedule. */
export interface Actor {
  readonly name: string;
  readonly random: Random;
  /** The probability of each fault at each call. Null: no faults. */
  readonly faults: FaultRates | null;
  /** When its process is stopped, like a function at its time-out. */
  readonly deadlineMs: number;
  /** How many waits it may have before it counts as an endless loop. */
  readonly patience: number;
  waits: number;
  isDead: boolean;
  /** Uses Stripe's own pages, not the service. */
  readonly isAtStripe: boolean;
}

export interface FaultRates {
  /** The process crashes. */
  readonly crash: number;
  /** A call to the store or to Stripe fails. */
  readonly store: number;
  readonly stripe: number;
  /** Every write conflicts with a concurrent write. */
  readonly isContended: boolean;
}

interface Wake {
  readonly atMs: number;
  readonly order: number;
  readonly actor: Actor;
  readonly resume: () => void;
}

/**
 * Runs one actor at a time, in the order of simulated time. An actor that awaits the store, Stripe or a pause
 * yields here and resumes at its time, unless its process has ended by then.
 */
export class Scheduler {
  readonly #current = new AsyncLocalStorage<Actor>();
  readonly #queue: Wake[] = [];
  readonly #trace: (actor: Actor, what: string) => void;
  readonly #onRunaway: (actor: Actor) => void;
  #nowMs: number;
  #order = 0;

  constructor(
    startMs: number,
    trace: (actor: Actor, what: string) => void,
    onRunaway: (actor: Actor) => void,
  ) {
    this.#nowMs = startMs;
    this.#trace = trace;
    this.#onRunaway = onRunaway;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** The running actor. Undefined for the simulation itself, which has no faults. */
  get actor(): Actor | undefined {
    return this.#current.getStore();
  }

  /** Starts `work` as `actor` at a time. */
  spawn(actor: Actor, atMs: number, work: () => Promise<void>): void {
    this.#push(actor, atMs, () => {
      void this.#current.run(actor, work);
    });
  }

  /** Yields for this long. Never resumes an actor whose process has ended. */
  wait(ms: number): Promise<void> {
    const actor = this.actor;
    if (actor === undefined) return Promise.resolve();
    if (!actor.isDead && actor.faults !== null && actor.random.chance(actor.faults.crash)) {
      this.#end(actor, 'crashes');
    }
    if (actor.isDead) return new Promise(() => {});
    actor.waits += 1;
    if (actor.waits > actor.patience) {
      this.#onRunaway(actor);
      this.#end(actor, 'never ends');
      return new Promise(() => {});
    }
    return new Promise((resolve) => this.#push(actor, this.#nowMs + ms, resolve));
  }

  /** Runs until no actor waits, or until `isEnough` returns true. */
  async run(isEnough: () => boolean = () => false): Promise<void> {
    for (let wake = this.#pop(); wake !== undefined; wake = this.#pop()) {
      this.#nowMs = Math.max(this.#nowMs, wake.atMs);
      if (wake.actor.isDead) continue;
      if (this.#nowMs > wake.actor.deadlineMs) {
        this.#end(wake.actor, 'runs out of time');
        continue;
      }
      wake.resume();
      // Lets all follow-up promises of this actor run before the next actor resumes.
      await setImmediate();
      if (isEnough()) return;
    }
  }

  /** Lets time pass without any action. */
  skip(ms: number): void {
    this.#nowMs += ms;
  }

  #end(actor: Actor, how: string): void {
    actor.isDead = true;
    this.#trace(actor, how);
  }

  #push(actor: Actor, atMs: number, resume: () => void): void {
    this.#order += 1;
    const queue = this.#queue;
    const wake: Wake = { atMs, order: this.#order, actor, resume };
    let at = queue.length;
    queue.push(wake);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = queue[above];
      if (parent === undefined || isBefore(parent, wake)) break;
      queue[at] = parent;
      at = above;
    }
    queue[at] = wake;
  }

  #pop(): Wake | undefined {
    const queue = this.#queue;
    const first = queue[0];
    const last = queue.pop();
    if (first === undefined || last === undefined || queue.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [a, b] = [queue[left], queue[left + 1]];
      const below = a !== undefined && b !== undefined && isBefore(b, a) ? left + 1 : left;
      const child = queue[below];
      if (child === undefined || isBefore(last, child)) break;
      queue[at] = child;
      at = below;
    }
    queue[at] = last;
    return first;
  }
}

const isBefore = (a: Wake, b: Wake): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
