import * as z from 'zod/mini';
import { CONDITIONS } from '../conditions.ts';
import { keys } from '../keys.ts';
import { orNull, record, text } from '../record.ts';
import { answerTo, type Contended, type Item, type Table, type Write, writeTogether } from '../table.ts';
import { check, put, update } from '../write.ts';

/*
 * Sign-in links and sessions. Both are stored as hashes. The table deletes them some time after they expire,
 * so each use checks the time.
 */

const Link = z.object({ createdAt: text, validUntil: text, usedAt: orNull(text) });
const Session = z.object({ startedAt: text, validUntil: text });
export type SessionRecord = Readonly<z.output<typeof Session>>;

const links = record<z.output<typeof Link>>(Link);
const sessions = record<SessionRecord>(Session);

/** A link or session to be stored. */
export interface NewAccess {
  readonly customerId: string;
  readonly tokenId: string;
  readonly at: Date;
  readonly validUntil: Date;
}

export type LinkResult = { readonly kind: 'stored' } | { readonly kind: 'closed' } | Contended;

/** Stores a sign-in link, unless the account is closed. Idempotent. */
export async function putLink(table: Table, link: NewAccess): Promise<LinkResult> {
  const { customerId, tokenId, at, validUntil } = link;
  const item = {
    ...keys.link(customerId, tokenId),
    ...links.encodePart({ createdAt: at.toISOString(), validUntil: validUntil.toISOString() }),
    ...expiry(validUntil),
  };
  const result = await writeTogether(table, [put(item, CONDITIONS.LINK_IS_NEW), mustBeOpen(customerId)]);
  return answerTo<LinkResult>(result, { kind: 'stored' }, ({ failed: [isThere] }) => ({
    // Tokens are random, so an earlier try of this call stored the link.
    kind: isThere ? 'stored' : 'closed',
  }));
}

export type EntryResult =
  | { readonly kind: 'started' }
  /** The link is unknown, expired or used. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'closed' }
  | Contended;

/** Uses a link up and starts a session. Of two concurrent uses of a link, one starts a session. */
export async function useLink(
  table: Table,
  linkId: string,
  { customerId, tokenId, at, validUntil }: NewAccess,
): Promise<EntryResult> {
  const startedAt = at.toISOString();
  const session = {
    ...keys.session(customerId, tokenId),
    ...sessions.encode({ startedAt, validUntil: validUntil.toISOString() }),
    ...expiry(validUntil),
  };
  const result = await writeTogether(table, [
    update(
      keys.link(customerId, linkId),
      { set: links.encodePart({ usedAt: startedAt }) },
      CONDITIONS.LINK_IS_USABLE,
      { now: startedAt },
    ),
    put(session),
    mustBeOpen(customerId),
  ]);
  return answerTo<EntryResult>(result, { kind: 'started' }, ({ failed: [isUnusable] }) => ({
    kind: isUnusable ? 'refused' : 'closed',
  }));
}

/** The session of an item; null if there is none, or it has ended. @throws UnreadableItem */
export function sessionAt(item: Item | undefined, now: Date): SessionRecord | null {
  if (item === undefined) return null;
  const session = sessions.decode(item);
  return session.validUntil > now.toISOString() ? session : null;
}

/** Ends a session at once. Idempotent. The function that signs out has no right to delete. */
export const endSession = (customerId: string, sessionId: string, at: Date): Write =>
  update(
    keys.session(customerId, sessionId),
    { set: sessions.encodePart({ validUntil: at.toISOString() }) },
    CONDITIONS.SESSION_IS_THERE,
  );

const mustBeOpen = (customerId: string): Write =>
  check(keys.head(customerId), [CONDITIONS.CUSTOMER_IS_THERE, CONDITIONS.ACCOUNT_IS_OPEN], { open: null });

const HOUR_SECONDS = 60 * 60;

/** Kept for an hour longer, so that a late use is refused for its time. */
const expiry = (validUntil: Date): Item => ({
  expires_at: Math.ceil(validUntil.getTime() / 1_000) + HOUR_SECONDS,
});
