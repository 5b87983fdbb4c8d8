/** The content of a letter, before layout. */
export interface Letter {
  readonly subject: string;
  readonly paragraphs: readonly string[];
  /** What the reader can do now. */
  readonly next: string;
  /** Where the button leads; to RSOLV if absent. */
  readonly button?: { readonly label: string; readonly url: string };
}
