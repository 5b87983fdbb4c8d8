import wrapAnsi from 'wrap-ansi';
import { visible } from './visible.ts';

/** The width of a pipe or a file: every row and every text is one line, however long. */
export const UNLIMITED = Number.POSITIVE_INFINITY;

/**
 * Wraps text to lines of at most `width` columns, at spaces only. An id, an address or a key that is longer
 * than a line gets its own line and stays whole.
 */
export const textLines = (text: string, width: number, indent = ''): string[] =>
  (width === UNLIMITED ? visible(text) : wrapAnsi(visible(text), Math.max(1, width - indent.length)))
    .split('\n')
    .map((line) => indent + line);
