/**
 * What a terminal would execute, or would show in another order than it is stored: control characters, line breaks among them,
 * and the marks that change the direction of text. Names, reasons and titles are whatever a customer typed.
 */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

const REPLACEMENT = '\u{fffd}';

/** Text as it may be written to a terminal, in one line: every unprintable character becomes U+FFFD. */
export const visible = (text: string): string => text.replaceAll(UNPRINTABLE, REPLACEMENT);

/** A stack trace, or other text whose line breaks are its own. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n');

/** JSON that says the same, with every unprintable character escaped. The line breaks between values stay. */
export const toJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replaceAll(UNPRINTABLE, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
