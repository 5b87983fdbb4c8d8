import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import type { Random } from './random.ts';

/** An actor that does one thing: a request, a delivery, or a run of a schedule. */
export interface Actor {
  readonly name: string;
  readonly random: Random;
  /** How likely each thing that can go wrong is, at each of its calls. Null where nothing does. */
  readonly faults: FaultRates | null;
  /** Its process is ended then, as a function's is. */
  readonly deadlineMs: number;
  /** How often it may give way before it is taken for one that never ends. */
  readonly patience: number;
  waits: number;
  isDead: boolean;
  /** Works at Stripe's own pages, not through its API. */
  readonly isAtStripe: boolean;
}

export interface FaultRates {
  /** Its process ends. */
  readonly crash: number;
  /** A call to the store, or to Stripe, goes wrong. */
  readonly store: number;
  readonly stripe: number;
  /** Another actor writes the same item at the same time, at each of its writes. */
  readonly isContended: boolean;
}

interface Wake {
  readonly atMs: number;
  readonly order: number;
  readonly actor: Actor;
  readonly resume: () => void;
}

/**
 * Runs one actor at a time, in the order of simulated time, which moves from one event to the next. An actor that
 * awaits the store, Stripe or a pause yields here. It resumes at its time, unless its process has ended by then.
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

  /** Who is doing something just now; undefined for the simulation itself, which nothing happens to. */
  get actor(): Actor | undefined {
    return this.#current.getStore();
  }

  /** Begins to do `work` as `actor` at a time. */
  spawn(actor: Actor, atMs: number, work: () => Promise<void>): void {
    this.#push(actor, atMs, () => {
      void this.#current.run(actor, work);
    });
  }

  /** Gives way for so long. Never comes back to an actor whose process has ended. */
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
      this.#end(actor, 'does not come to an end');
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
      // Everything that follows at once has followed when the next turn of the event loop begins.
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
