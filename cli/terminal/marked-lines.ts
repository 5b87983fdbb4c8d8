import type { Line, Mark } from './output.ts';
import { textLines } from './wrap.ts';

const MARK_WIDTH = 7;
/** Aligns a line with an item's text. */
export const INDENT = ' '.repeat(MARK_WIDTH);

/** A mark, then the text. Text that does not fit continues on the next lines, aligned with its first line. */
export function markedLines(mark: Mark, text: string, width: number): Line[] {
  const [first = '', ...rest] = textLines(text, width, INDENT);
  return [{ mark, text: first.slice(mark.word.length) }, ...rest];
}
