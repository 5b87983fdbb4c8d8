import { createHash } from 'node:crypto';

/** How long a sign-in link works. */
export const LINK_MINUTES = 15;
/** How long a link works that asks its reader to confirm an address. */
export const CONFIRM_HOURS = 24;
/** How long a customer stays signed in. */
export const SESSION_MINUTES = 30;

/** How long a caller's IP is known after a sign-in. */
export const CALLER_DAYS = 30;

/** How long the link of a letter turns its kind off. */
export const UNSUBSCRIBE_DAYS = 90;

/** How long a letter's link to one task works. */
export const LETTER_DAYS = 7;

/**
 * What a token gives: a link signs in once, a session shows the customer's pages, `unsubscribe` turns one
 * kind of letter off, and a letter's link does one task.
 */
export type AccessKind = 'link' | 'session' | 'unsubscribe' | 'letter';

/** A presented token: its owner and its stored id. The secret itself is not passed on. */
export interface PresentedToken {
  readonly customerId: string;
  readonly tokenId: string;
}

const TOKEN = /^([0-9a-f]{32})\.([A-Za-z0-9_-]{43})$/;

/** @param secret 32 random bytes */
export const formatToken = (customerId: string, secret: Uint8Array): string =>
  `${customerId}.${Buffer.from(secret).toString('base64url')}`;

/** Null if the text cannot be a token. Then nothing is looked up. */
export function parseToken(kind: AccessKind, text: string): PresentedToken | null {
  const customerId = TOKEN.exec(text)?.[1];
  return customerId === undefined ? null : { customerId, tokenId: tokenIdOf(kind, text) };
}

/** What is stored in place of a token. A link's id is never a session's. */
export const tokenIdOf = (kind: AccessKind, token: string): string => sha256(`${kind} ${token}`);

/**
 * The value that every form of a session must carry. Another site can make a browser send the session's
 * cookie, but cannot read it, so it cannot know this value.
 */
export const formTokenOf = (sessionToken: string): string => sha256(`form ${sessionToken}`);

/** What is stored of an address where only a comparison is needed. */
export const addressHash = (email: string): string => sha256(`address ${email.toLowerCase()}`);

/** What is stored of the IP of a caller who has signed in. */
export const callerHash = (customerId: string, sourceIp: string): string =>
  sha256(`caller ${customerId} ${sourceIp}`);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
