import { styleText } from 'node:util';
import stringWidth from 'string-width';

/** How an item of a list came out: one word in a colour. */
export interface Mark {
  readonly word: string;
  readonly style: Parameters<typeof styleText>[0];
}

export interface Page {
  /** Columns. */
  readonly width: number;
  readonly stream: NodeJS.WriteStream;
}

const MARK_WIDTH = 7;
/** Under an item's text. */
export const INDENT = ' '.repeat(MARK_WIDTH);

/** An item with its mark before it; what does not fit into a line goes on under the text. */
export function markedLines({ word, style }: Mark, text: string, { width, stream }: Page): string[] {
  const [first = '', ...rest] = wrapped(text, width);
  return [styleText(style, word.padEnd(MARK_WIDTH), { stream }) + first.slice(MARK_WIDTH), ...rest];
}

/** Indented, broken at spaces; a word that is longer than a line keeps one of its own. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || stringWidth(longer) <= width - MARK_WIDTH) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line].map((one) => INDENT + one);
}
