/** The double's own time: it runs as real time does, and can be moved ahead of it. */
export class Clock {
  readonly #realMs: () => number;
  #aheadMs = 0;

  constructor(realMs: () => number) {
    this.#realMs = realMs;
  }

  get nowSeconds(): number {
    return Math.floor((this.#realMs() + this.#aheadMs) / 1_000);
  }

  /** Never back: what was done at a time stays done. */
  moveTo(seconds: number): void {
    const behindMs = seconds * 1_000 - (this.#realMs() + this.#aheadMs);
    if (behindMs > 0) this.#aheadMs += Math.ceil(behindMs);
  }
}
