import { hash } from 'node:crypto';

const TWO_TO_32 = 2 ** 32;

/**
 * A random generator that depends only on its name. Every actor has its own, so leaving an actor out of a run
 * does not change what the others draw.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(name: string) {
    const seed = hash('sha256', name, 'buffer');
    this.#a = seed.readUInt32LE(0);
    this.#b = seed.readUInt32LE(4);
    this.#c = seed.readUInt32LE(8);
  }

  /** From 0 up to but not including 1: the generator sfc32. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return (sum >>> 0) / TWO_TO_32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** From `from` to `to`, both included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** @throws Error for an empty list */
  pick<T>(list: readonly T[]): T {
    const picked = list[this.int(0, list.length - 1)];
    if (picked === undefined) throw new Error('cannot pick from an empty list');
    return picked;
  }

  /** A random name, with the probability of its weight. */
  weighted<T extends string>(weights: Readonly<Partial<Record<T, number>>>): T {
    const names: T[] = [];
    let total = 0;
    for (const name in weights) {
      names.push(name);
      total += weights[name] ?? 0;
    }
    let left = this.next() * total;
    for (const name of names) {
      left -= weights[name] ?? 0;
      if (left < 0) return name;
    }
    return this.pick(names);
  }

  bytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.int(0, 255));
  }
}
