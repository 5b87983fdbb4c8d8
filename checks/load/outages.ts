export interface Outage {
  /** `service`: the process that answers. `everything`: the whole stack, with engine and Stripe stand-in. */
  readonly killed: 'service' | 'everything';
  /** Seconds since the start of the load. */
  readonly atSeconds: number;
  /** From the kill until the stack was ready again. */
  downSeconds: number | null;
}

/** Outages last from a kill until the next start is ready. They explain unanswered calls. */
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
    if (this.#fromMs === null || newest === undefined) throw new Error('the service is not down');
    newest.downSeconds = seconds(performance.now() - this.#fromMs);
    this.#fromMs = null;
  }
}

const seconds = (ms: number): number => Math.round(ms / 100) / 10;
