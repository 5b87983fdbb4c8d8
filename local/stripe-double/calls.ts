const KEPT_CALLS = 2_000;

/** One request to the stand-in, without its API key. */
export interface Call {
  readonly requestId: string;
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly parameters: unknown;
  readonly idempotencyKey: string | null;
  /** Null if no answer was sent. */
  readonly status: number | null;
  readonly replayed: boolean;
  readonly fault: string | null;
}

export class Calls {
  readonly #calls: Call[] = [];

  add(call: Call): void {
    this.#calls.push(call);
    if (this.#calls.length > KEPT_CALLS) this.#calls.shift();
  }

  get all(): readonly Call[] {
    return this.#calls;
  }
}
