/** A part of the report, for a terminal and for a page alike. */
export interface Section {
  readonly title: string;
  /** Before the table; a paragraph each. */
  readonly says: readonly string[];
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Names of the pictures that show it. */
  readonly pictures: readonly string[];
}
