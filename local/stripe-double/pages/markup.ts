import type { html } from 'hono/html';

export type Html = ReturnType<typeof html>;
/** A value in a template: text is escaped, markup is not. */
export type Part = Html | string | number | null | undefined | readonly Part[];

/** Invisible characters that change how the text around them is read, such as U+202E, which reverses it. */
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

/** Text with invisible characters written out. Multi-line text keeps its line breaks. */
export const shown = (text: string, { lines = false } = {}): string =>
  text.replace(UNSEEN, (character) => {
    if (lines && character === '\n') return character;
    const code = character.codePointAt(0) ?? 0;
    return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
  });

/** Text without invisible characters, for a person to copy from the page. */
export const withoutUnseen = (text: string): string => text.replace(UNSEEN, '');
