import { hash, randomBytes } from 'node:crypto';

export type NewId = (prefix: string) => string;
export type RandomBytes = (count: number) => Buffer;

/** The source of all ids and secrets of one turn. */
export interface Seed {
  readonly made: number;
  readonly seed: string;
}

const SEED_BYTES = 16;
/** One draw takes its bytes from one SHA-256 hash. */
const MAX_DRAWN_BYTES = 32;

/** Ids that sort by creation, so that dumps are readable, and that cannot be guessed. */
export class Ids {
  #made = 0;
  #random: RandomBytes = randomBytes;

  readonly newId: NewId = (prefix) => {
    this.#made += 1;
    return `${prefix}_${this.#made.toString(36).padStart(6, '0')}${this.#random(9).toString('hex')}`;
  };

  readonly random: RandomBytes = (count) => this.#random(count);

  newSeed(): Seed {
    return { made: this.#made, seed: randomBytes(SEED_BYTES).toString('base64url') };
  }

  /** With the same seed, `work` draws the same values every time. */
  seeded<T>({ made, seed }: Seed, work: () => T): T {
    this.#made = made;
    this.#random = streamOf(seed);
    try {
      return work();
    } finally {
      this.#random = randomBytes;
    }
  }
}

function streamOf(seed: string): RandomBytes {
  let drawn = 0;
  return (count) => {
    if (count > MAX_DRAWN_BYTES) throw new Error(`${count} random bytes exceed the size of one draw`);
    drawn += 1;
    return hash('sha256', `${seed} ${drawn}`, 'buffer').subarray(0, count);
  };
}
