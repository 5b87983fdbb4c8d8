import wrapAnsi from 'wrap-ansi';
import { visible } from './visible.ts';

/** The width of what is no terminal: every row and every text is one line, however long. */
export const UNLIMITED = Number.POSITIVE_INFINITY;

/**
 * Text in lines of at most `width` columns, broken at spaces only: an id, an address or a key that is longer than a line has a
 * line of its own and stays whole.
 */
export const textLines = (text: string, width: number, indent = ''): string[] =>
  (width === UNLIMITED ? visible(text) : wrapAnsi(visible(text), Math.max(1, width - indent.length)))
    .split('\n')
    .map((line) => indent + line);
