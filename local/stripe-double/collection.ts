import { missing } from './http/errors.ts';

/** The objects of one kind, in order of creation. */
export class Collection<T extends { readonly id: string }> {
  readonly #what: string;
  readonly #byId = new Map<string, T>();

  /** `what` is the name of one object in Stripe's errors. */
  constructor(what: string) {
    this.#what = what;
  }

  add(object: T): T {
    this.#byId.set(object.id, object);
    return object;
  }

  delete(id: string): void {
    this.#byId.delete(id);
  }

  find(id: string | null | undefined): T | undefined {
    return id === null || id === undefined ? undefined : this.#byId.get(id);
  }

  /** @throws Refusal 404 for an id in the path, 400 for one in a parameter. */
  get(id: string, where: 'path' | { readonly param: string }): T {
    const object = this.#byId.get(id);
    if (object === undefined) throw missing(this.#what, id, where);
    return object;
  }

  /** For an id that the stand-in itself stored. */
  known(id: string): T {
    const object = this.#byId.get(id);
    if (object === undefined) throw new Error(`the double has no ${this.#what} ${id}`);
    return object;
  }

  get newestFirst(): T[] {
    return [...this.#byId.values()].reverse();
  }

  get size(): number {
    return this.#byId.size;
  }
}

/** Stripe sends a reference as an id or expanded; the stand-in stores only ids. */
export function idOf(reference: string | { readonly id: string } | null | undefined): string | null {
  if (reference === null || reference === undefined) return null;
  return typeof reference === 'string' ? reference : reference.id;
}
