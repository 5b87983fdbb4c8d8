/** The double's own time: it runs as real time does, and can be moved ahead of it. */
export class Clock {
  readonly #realMs: () => number;
  #aheadMs = 0;
  #standingMs: number | null = null;
  #latestMs = 0;

  constructor(realMs: () => number) {
    this.#realMs = realMs;
  }

  get nowMs(): number {
    return this.#standingMs ?? this.#runningMs();
  }

  get nowSeconds(): number {
    return Math.floor(this.nowMs / 1_000);
  }

  /** Never back: what was done at a time stays done. */
  moveTo(seconds: number): void {
    const behindMs = Math.ceil(seconds * 1_000 - this.nowMs);
    if (behindMs <= 0) return;
    this.#aheadMs += behindMs;
    if (this.#standingMs !== null) this.#standingMs += behindMs;
  }

  /** Time stands still while `work` is done, so that all of it can be done again at the same moment. */
  standing<T>(atMs: number, work: () => T): T {
    this.#standingMs = atMs;
    try {
      return work();
    } finally {
      this.#latestMs = this.#standingMs;
      this.#standingMs = null;
    }
  }

  /** Goes on from the latest moment, also where real time has since been put back. */
  #runningMs(): number {
    const behindMs = this.#latestMs - (this.#realMs() + this.#aheadMs);
    if (behindMs > 0) this.#aheadMs += behindMs;
    return this.#realMs() + this.#aheadMs;
  }
}
