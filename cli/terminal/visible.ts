/**
 * Control characters, including line breaks, and marks that change the direction of text. A terminal would
 * execute or reorder them, and names, reasons and titles come from customers.
 */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

const REPLACEMENT = '\u{fffd}';

/**
 * Makes text safe for a terminal, in one line: every unprintable character becomes U+FFFD. Normalized
 * as wrapping normalizes it, because another form of the same text can have another width.
 */
export const visible = (text: string): string => text.replaceAll(UNPRINTABLE, REPLACEMENT).normalize();

/** Like `visible`, but keeps line breaks. For stack traces. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n');

/** JSON with every unprintable character escaped. The line breaks between values stay. */
export const toJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replaceAll(UNPRINTABLE, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
