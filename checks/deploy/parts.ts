/** What a part found: a line for the report. */
export type Found = string;

/** Something that is not as it should be. Ends the check. */
export class Fault extends Error {}

interface Done {
  readonly title: string;
  readonly seconds: number;
  readonly fault: boolean;
}

/** Runs the parts of the check one after the other, and prints what each found and took. */
export class Parts {
  readonly #done: Done[] = [];
  #reported: unknown;

  /** @throws what the part throws */
  async run<T>(title: string, part: () => T | Promise<T>, found: (result: T) => Found): Promise<T> {
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1_000;
    try {
      const result = await part();
      this.#note({ title, seconds: seconds(), fault: false }, found(result));
      return result;
    } catch (error) {
      this.#reported = error;
      const reason = error instanceof Error ? error.message : String(error);
      this.#note({ title, seconds: seconds(), fault: true }, reason);
      throw error;
    }
  }

  /** Whether this error has ended a part, so that it is printed already. @throws the error if it has not */
  hasEnded(error: unknown): true {
    if (error === this.#reported) return true;
    throw error;
  }

  get seconds(): number {
    return this.#done.reduce((sum, { seconds }) => sum + seconds, 0);
  }

  get count(): number {
    return this.#done.length;
  }

  #note(done: Done, detail: string): void {
    this.#done.push(done);
    const state = done.fault ? 'FAULT' : 'ok   ';
    console.log(`${state} ${done.title.padEnd(26)} ${done.seconds.toFixed(1).padStart(5)} s  ${detail}`);
  }
}
