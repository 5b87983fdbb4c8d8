import type { html } from 'hono/html';

export type Html = ReturnType<typeof html>;
/** What a template takes: text is escaped, markup is not. */
export type Part = Html | string | number | null | undefined | readonly Part[];

/** Characters that are not seen and change how the text around them is read: U+202E turns a name around. */
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

/** Text with unseen characters written out. Line breaks stay in a text of several lines. */
export const shown = (text: string, { lines = false } = {}): string =>
  text.replace(UNSEEN, (character) => {
    if (lines && character === '\n') return character;
    const code = character.codePointAt(0) ?? 0;
    return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
  });

/** For what is typed again from the page: text without unseen characters. */
export const withoutUnseen = (text: string): string => text.replace(UNSEEN, '');
