import type { Key } from '../../../lib/store/keys.ts';
import type { Item } from '../../../lib/store/table.ts';

interface Following {
  readonly atMs: number;
  readonly name: string;
  readonly entry: Item | null;
}

/** The index of due work: keys only, sparse, and updated with a lag. */
export class DueIndex {
  readonly #entries = new Map<string, Item>();
  /** When the newest change of a key arrives. A later write never arrives earlier. */
  readonly #arrivals = new Map<string, number>();
  readonly #lagMs: () => number;
  readonly #nowMs: () => number;
  #waiting: Following[] = [];

  constructor(lagMs: () => number, nowMs: () => number) {
    this.#lagMs = lagMs;
    this.#nowMs = nowMs;
  }

  follow({ pk, sk }: Key, item: Item | undefined): void {
    const name = `${pk} ${sk}`;
    const due = item?.['due'];
    const entry = due === undefined ? null : { pk, sk, due, due_at: item?.['due_at'] };
    if (entry === null && !this.#entries.has(name) && !this.#arrivals.has(name)) return;
    const atMs = Math.max(this.#nowMs() + this.#lagMs(), this.#arrivals.get(name) ?? 0);
    this.#arrivals.set(name, atMs);
    this.#waiting.push({ atMs, name, entry });
  }

  /** The current content, in the order of the index. */
  items(): Item[] {
    const nowMs = this.#nowMs();
    for (const { atMs, name, entry } of this.#waiting) {
      if (atMs > nowMs) continue;
      if (entry === null) this.#entries.delete(name);
      else this.#entries.set(name, entry);
    }
    this.#waiting = this.#waiting.filter(({ atMs }) => atMs > nowMs);
    return [...this.#entries.values()].toSorted(inIndexOrder);
  }
}

/**
 * By time. DynamoDB gives items of one time in any order. Here it is the reverse order of their names, so that
 * no test relies on the order of the table.
 */
export const inIndexOrder = (a: Item, b: Item): number =>
  order(a['due_at'], b['due_at']) || order(b['pk'], a['pk']) || order(b['sk'], a['sk']);

function order(a: unknown, b: unknown): number {
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : Number(left > right);
}
