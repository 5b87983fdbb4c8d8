import stringWidth from 'string-width';
import { visible } from './visible.ts';
import { textLines, UNLIMITED } from './wrap.ts';

export interface Column {
  readonly heading: string;
  readonly align?: 'right';
  /** Where the table is too wide, the text of this column goes on in further lines, broken at spaces. */
  readonly flexible?: true;
}

/** One text, or several that stand below each other. */
export type Cell = string | readonly string[];

const GAP = '  ';
/** Before what has no room in the first line of a row. */
const INDENT = '  ';
const MIN_FLEXIBLE = 8;

/** Where a column stands. */
interface Place extends Pick<Column, 'align'> {
  /** Among the cells of a row. */
  readonly index: number;
  readonly width: number;
  /** Narrower than its text, which is wrapped. */
  readonly isShrunk: boolean;
}

/**
 * Rows under their headings: words to the left, numbers to the right. Without a limit each row is one line. With one, columns
 * that have no room beside the others stand in a further line of each row: no word is broken, and nothing is left out.
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

/** Names and what they are, one below the other. A fact that has no room beside its name stands below it. */
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

/** The columns that a column would take, and those that it needs at least. */
interface Demand extends Pick<Column, 'align'> {
  readonly index: number;
  readonly natural: number;
  readonly needs: number;
}

/** The columns, in as many lines as they need: each line takes as many as fit into it whole. */
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

/** The widest column that can give way does so first, a column at a time: what is short stays in one line. */
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

/** Of its longest line. */
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => stringWidth(line)));

const longestWord = (text: string): number =>
  Math.max(...text.split(/[ \n]/).map((word) => stringWidth(word)));
