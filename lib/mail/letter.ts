import type { NoticeContent } from '../domain/notice.ts';

/** The content of a letter, before layout. */
export interface Letter {
  /** Names RSOLV, and has no text from callers. */
  readonly subject: string;
  readonly paragraphs: readonly string[];
  /** What the reader can do now. */
  readonly next: string;
  /** What the letter is about, elsewhere; made of validated parts. */
  readonly links?: readonly Link[];
  /** The one place where the next step can be taken. */
  readonly button: Link;
}

export interface Link {
  readonly label: string;
  readonly url: string;
}

/** What is known only when a letter is sent. */
export interface Sending {
  /** Our own address: the billing page is there. */
  readonly apiUrl: string;
  /** RSOLV's application, for customers without an account here. */
  readonly appUrl: string;
  /** The link of a letter that signs in or confirms an address. */
  readonly mailedUrl?: string | undefined;
  /** A link that does what helps most without signing in; without it, the button leads to a page. */
  readonly taskUrl?: string | undefined;
  /** Merged fixes that wait for the same reason, this one included. */
  readonly waitingFixes?: number | undefined;
  /** For a digest: the letters of its first notices, in their order. */
  readonly quoted?: readonly Letter[];
}

/** The content of a kind of notice. */
export type Content<K extends NoticeContent['kind']> = Extract<NoticeContent, { readonly kind: K }>;
