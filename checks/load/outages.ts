export interface Outage {
  /** `service`: the process that answers. `everything`: the whole stack, the engine and Stripe's double included. */
  readonly killed: 'service' | 'everything';
  /** Seconds since the first customers were let in. */
  readonly atSeconds: number;
  /** From the kill until it was ready again. */
  downSeconds: number | null;
}

/** When the service was dead: from each kill until the next start was ready. What is not answered then is explained. */
export class Outages {
  readonly all: Outage[] = [];
  #fromMs: number | null = null;
  readonly #startedMs = performance.now();

  get isOpen(): boolean {
    return this.#fromMs !== null;
  }

  covers(atMs: number): boolean {
    return this.#fromMs !== null && this.#fromMs <= atMs;
  }

  begin(killed: Outage['killed']): void {
    this.#fromMs = performance.now();
    this.all.push({ killed, atSeconds: seconds(this.#fromMs - this.#startedMs), downSeconds: null });
  }

  end(): void {
    const newest = this.all.at(-1);
    if (this.#fromMs === null || newest === undefined) throw new Error('nothing is down');
    newest.downSeconds = seconds(performance.now() - this.#fromMs);
    this.#fromMs = null;
  }
}

const seconds = (ms: number): number => Math.round(ms / 100) / 10;
