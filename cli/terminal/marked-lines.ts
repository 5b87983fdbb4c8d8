import type { Line, Mark } from './output.ts';
import { textLines } from './wrap.ts';

const MARK_WIDTH = 7;
/** Aligns a line with an item's text. */
export const INDENT = ' '.repeat(MARK_WIDTH);

/** An item after its mark. Text that does not fit continues below, aligned with the text. */
export function markedLines(mark: Mark, text: string, width: number): Line[] {
  const [first = '', ...rest] = textLines(text, width, INDENT);
  return [{ mark, text: first.slice(mark.word.length) }, ...rest];
}
