import type { Double } from '../double.ts';
import type { Part } from './markup.ts';

export interface Column<T> {
  readonly head: string;
  cell(one: T, double: Double): Part;
}

/** How objects of one kind are shown. */
export interface Kind<T> {
  /** The list's name in addresses. */
  readonly path: string;
  readonly title: string;
  /** In display order. */
  all(double: Double): readonly T[];
  /** Null for an object without its own page. */
  id(one: T): string | null;
  /** The ids of objects it refers to. The pages of those objects list it. */
  names(one: T): readonly (string | null)[];
  readonly columns: readonly Column<T>[];
}

export interface Row {
  readonly id: string | null;
  readonly cells: readonly { readonly head: string; readonly value: Part }[];
}

/** A kind with its objects as rows, so that all lists are handled alike. */
export interface Listing {
  readonly path: string;
  readonly title: string;
  count(double: Double): number;
  rows(double: Double, from: number, size: number): Row[];
  /** The object, and its row. */
  find(double: Double, id: string): { readonly object: unknown; readonly row: Row } | null;
  /** Rows of the objects that refer to `id`. */
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
