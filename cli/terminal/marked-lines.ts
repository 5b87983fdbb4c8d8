import type { Line, Mark } from './output.ts';
import { textLines } from './wrap.ts';

const MARK_WIDTH = 7;
/** Under an item's text. */
export const INDENT = ' '.repeat(MARK_WIDTH);

/** An item with its mark before it; what does not fit into a line goes on under the text. */
export function markedLines(mark: Mark, text: string, width: number): Line[] {
  const [first = '', ...rest] = textLines(text, width, INDENT);
  return [{ mark, text: first.slice(mark.word.length) }, ...rest];
}
