import stringWidth from 'string-width';
import { visible } from './visible.ts';
import { textLines, UNLIMITED } from './wrap.ts';

export interface Column {
  readonly heading: string;
  readonly align?: 'right';
  /** If the table is too wide, the text of this column is wrapped at spaces. */
  readonly flexible?: true;
}

/** One text, or several below each other. */
export type Cell = string | readonly string[];

const GAP = '  ';
/** Precedes the continuation lines of a row. */
const INDENT = '  ';
const MIN_FLEXIBLE = 8;

/** The layout of one column. */
interface Place extends Pick<Column, 'align'> {
  /** Index among the cells of a row. */
  readonly index: number;
  readonly width: number;
  /** Narrower than its text, which is therefore wrapped. */
  readonly isShrunk: boolean;
}

/**
 * Rows under their headings. With unlimited width each row is one line. Otherwise the columns that do not fit
 * move to a continuation line of each row. No word is broken and no text is cut.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): string[] {
  const separator = width === UNLIMITED ? ' ' : '\n';
  const cells = [columns.map(({ heading }) => heading), ...rows].map((row) =>
    row.map((cell) => textsOf(cell).map(visible).join(separator)),
  );
  const groups = placesOf(columns, cells, width);
  return cells.flatMap((row) =>
    groups.flatMap((places, group) => rowLines(places, row, group === 0 ? '' : INDENT)),
  );
}

/** Names and values, one pair per line. A value that does not fit beside its name goes below the name. */
export function factLines(facts: readonly (readonly [string, string])[], width: number): string[] {
  const names = Math.max(0, ...facts.map(([name]) => stringWidth(name))) + GAP.length;
  return facts.flatMap(([name, fact]) => {
    if (names + longestWord(visible(fact)) > width) return [name, ...textLines(fact, width, INDENT)];
    const [first = '', ...rest] = textLines(fact, width - names);
    return [name.padEnd(names) + first, ...rest.map((line) => ' '.repeat(names) + line)].map((line) =>
      line.trimEnd(),
    );
  });
}

const textsOf = (cell: Cell): readonly string[] => (typeof cell === 'string' ? [cell] : cell);

function rowLines(places: readonly Place[], row: readonly string[], indent: string): string[] {
  const wrapped = places.map(({ index, width, isShrunk }) => {
    const texts = (row[index] ?? '').split('\n');
    return isShrunk ? texts.flatMap((text) => textLines(text, width)) : texts;
  });
  const height = Math.max(...wrapped.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    (indent + places.map((place, at) => aligned(place, wrapped[at]?.[line] ?? '')).join(GAP)).trimEnd(),
  );
}

function aligned({ align, width }: Place, text: string): string {
  const room = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return align === 'right' ? room + text : text + room;
}

/** The natural and the minimum width of a column. */
interface Demand extends Pick<Column, 'align'> {
  readonly index: number;
  readonly natural: number;
  readonly needs: number;
}

/** Distributes the columns over lines. Each line gets as many columns as fit with their minimum width. */
function placesOf(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): Place[][] {
  const groups: Demand[][] = [];
  let left = 0;
  for (const [index, { align, flexible }] of columns.entries()) {
    const texts = rows.map((row) => row[index] ?? '');
    const natural = Math.max(1, ...texts.map(widest));
    const needs = flexible ? Math.min(natural, Math.max(MIN_FLEXIBLE, ...texts.map(longestWord))) : natural;
    const place = { index, ...(align && { align }), natural, needs };
    const current = groups.at(-1);
    if (current !== undefined && left >= GAP.length + needs) {
      current.push(place);
      left -= GAP.length + needs;
    } else {
      groups.push([place]);
      left = width - (groups.length === 1 ? 0 : INDENT.length) - needs;
    }
  }
  return groups.map((group, at) => shrunk(group, at === 0 ? width : width - INDENT.length));
}

/** Shrinks the widest shrinkable column by one, until the line fits. So short columns stay unwrapped. */
function shrunk(places: readonly Demand[], width: number): Place[] {
  const widths = places.map(({ natural }) => natural);
  const total = () => widths.reduce((sum, one) => sum + one, 0) + GAP.length * (places.length - 1);
  while (total() > width) {
    let widestAt: number | undefined;
    for (const [at, { needs }] of places.entries()) {
      const one = widths[at] ?? 0;
      if (one > needs && (widestAt === undefined || one > (widths[widestAt] ?? 0))) widestAt = at;
    }
    if (widestAt === undefined) break;
    widths[widestAt] = (widths[widestAt] ?? 0) - 1;
  }
  return places.map(({ natural, needs: _, ...place }, at) => {
    const narrowed = widths[at] ?? natural;
    return { ...place, width: narrowed, isShrunk: narrowed < natural };
  });
}

/** The width of the longest line. */
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => stringWidth(line)));

const longestWord = (text: string): number =>
  Math.max(...text.split(/[ \n]/).map((word) => stringWidth(word)));
