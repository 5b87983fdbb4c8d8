import { html } from 'hono/html';

export type Html = ReturnType<typeof html>;
/** A template value. Text is escaped, markup is not. */
export type Part = Html | string | number | null | undefined | readonly Part[];

/** Renders the contracts' prose: paragraphs separated by empty lines, and `code`. */
export function prose(text: string): Html[] {
  return text.split('\n\n').map((paragraph) => html`<p>${inline(paragraph)}</p>`);
}

export function inline(text: string): Html[] {
  return text.split('`').map((piece, i) => (i % 2 === 0 ? html`${piece}` : html`<code>${piece}</code>`));
}

/** Inserts a separator between the items of a list. */
export const joined = (parts: readonly Part[], separator: Part): Part[] =>
  parts.flatMap((part, i) => (i === 0 ? [part] : [separator, part]));
