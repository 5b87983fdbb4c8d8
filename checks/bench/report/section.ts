/** A part of the report, for the terminal and for the page. */
export interface Section {
  readonly title: string;
  /** The paragraphs before the table. */
  readonly says: readonly string[];
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Names of the pictures of this section. */
  readonly pictures: readonly string[];
}

/** One sentence a line, as in all documents. */
export const paragraph = (...sentences: readonly string[]): string => sentences.join('\n');
