import type { Double } from '../double.ts';
import type { Part } from './markup.ts';

export interface Column<T> {
  readonly head: string;
  cell(one: T, double: Double): Part;
}

/** How the objects of one kind are shown. */
export interface Kind<T> {
  /** Names the list in addresses. */
  readonly path: string;
  readonly title: string;
  /** The order in which they are shown. */
  all(double: Double): readonly T[];
  /** Null for what has no page of its own. */
  id(one: T): string | null;
  /** The objects that it names; each of them shows it among what belongs to it. */
  names(one: T): readonly (string | null)[];
  readonly columns: readonly Column<T>[];
}

export interface Row {
  readonly id: string | null;
  readonly cells: readonly { readonly head: string; readonly value: Part }[];
}

/** A kind whose objects have become rows, so that lists of different kinds are handled alike. */
export interface Listing {
  readonly path: string;
  readonly title: string;
  count(double: Double): number;
  rows(double: Double, from: number, size: number): Row[];
  /** The object itself, and as a row. */
  find(double: Double, id: string): { readonly object: unknown; readonly row: Row } | null;
  /** Those that name the object `id`. */
  about(double: Double, id: string, size: number): Row[];
}

export function listing<T>({ path, title, all, id, names, columns }: Kind<T>): Listing {
  const row = (one: T, double: Double): Row => ({
    id: id(one),
    cells: columns.map(({ head, cell }) => ({ head, value: cell(one, double) })),
  });
  return {
    path,
    title,
    count: (double) => all(double).length,
    rows: (double, from, size) =>
      all(double)
        .slice(from, from + size)
        .map((one) => row(one, double)),
    find: (double, wanted) => {
      const object = all(double).find((one) => id(one) === wanted);
      return object === undefined ? null : { object, row: row(object, double) };
    },
    about: (double, wanted, size) =>
      all(double)
        .filter((one) => names(one).includes(wanted))
        .slice(0, size)
        .map((one) => row(one, double)),
  };
}
