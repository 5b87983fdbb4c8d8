/** The stand-in's clock: runs like real time, and can be moved ahead. */
export class Clock {
  readonly #realMs: () => number;
  #aheadMs = 0;
  #fixedMs: number | null = null;
  #latestMs = 0;

  constructor(realMs: () => number) {
    this.#realMs = realMs;
  }

  get nowMs(): number {
    return this.#fixedMs ?? this.#runningMs();
  }

  get nowSeconds(): number {
    return Math.floor(this.nowMs / 1_000);
  }

  /** Never moves back: past work keeps its time. */
  moveTo(seconds: number): void {
    const behindMs = Math.ceil(seconds * 1_000 - this.nowMs);
    if (behindMs <= 0) return;
    this.#aheadMs += behindMs;
    if (this.#fixedMs !== null) this.#fixedMs += behindMs;
  }

  /** Stops time during `work`, so that a replay runs at the same moment. */
  fixedAt<T>(atMs: number, work: () => T): T {
    this.#fixedMs = atMs;
    try {
      return work();
    } finally {
      this.#latestMs = this.#fixedMs;
      this.#fixedMs = null;
    }
  }

  /** Continues from the latest moment, even if real time was set back. */
  #runningMs(): number {
    const behindMs = this.#latestMs - (this.#realMs() + this.#aheadMs);
    if (behindMs > 0) this.#aheadMs += behindMs;
    return this.#realMs() + this.#aheadMs;
  }
}
