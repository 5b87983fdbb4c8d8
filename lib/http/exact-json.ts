/*
 * JSON whose numbers keep their text. A JavaScript number rounds 12345678901234567890 and has no 1e400, but a
 * caller's own data must be returned unchanged.
 */

declare global {
  /** ECMAScript's "JSON.parse source text access", which the compiler's library does not declare yet. */
  interface JSON {
    rawJSON(text: string): object;
    isRawJSON(value: unknown): value is { readonly rawJSON: string };
  }
}

/**
 * Parses JSON. A number that JavaScript would write differently becomes an opaque value, which
 * `JSON.stringify` writes with its original text. Every other number is a number.
 * @throws SyntaxError, and what `revive` throws
 */
export const parseExactly = (
  text: string,
  revive: (name: string, value: unknown) => unknown = (_, value) => value,
): unknown =>
  JSON.parse(text, (name: string, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source;
    const isAltered = typeof value === 'number' && source !== undefined && JSON.stringify(value) !== source;
    return revive(name, isAltered ? JSON.rawJSON(source) : value);
  });

/**
 * The number behind an opaque value of `parseExactly`, rounded as JavaScript does; any other value unchanged.
 */
export const rounded = (value: unknown): unknown => (JSON.isRawJSON(value) ? Number(value.rawJSON) : value);

export const isOpaque = (value: unknown): boolean => JSON.isRawJSON(value);
