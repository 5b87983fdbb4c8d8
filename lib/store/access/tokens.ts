import * as z from 'zod/mini';
import { decodeApiKey } from '../api-keys.ts';
import { CONDITIONS } from '../conditions.ts';
import { keys } from '../keys.ts';
import { orNull, record, text } from '../record.ts';
import {
  answerTo,
  type Contended,
  type Item,
  readOne,
  type Table,
  type Write,
  writeTogether,
} from '../table.ts';
import { check, put, update } from '../write.ts';

/*
 * Sign-in links and sessions. Both are stored by the hashes of their tokens. The table deletes them some time
 * after they expire, so each use checks the time.
 */

const Link = z.object({
  createdAt: text,
  validUntil: text,
  usedAt: orNull(text),
  /** The hash of the address that the link was mailed to. Null if a caller of the API got it. */
  mailedTo: orNull(text),
  /** The API key that asked for the link. Null if the link was mailed. */
  keyId: orNull(text),
});
const Session = z.object({
  startedAt: text,
  validUntil: text,
  /** The API key whose link started it, and which ends it. Null if the link was mailed. */
  keyId: orNull(text),
});
export type LinkRecord = Readonly<z.output<typeof Link>>;
export type SessionRecord = Readonly<z.output<typeof Session>>;

const links = record<LinkRecord>(Link);
const sessions = record<SessionRecord>(Session);

/** A link or session to be stored. */
export interface NewAccess {
  readonly customerId: string;
  readonly tokenId: string;
  readonly at: Date;
  readonly validUntil: Date;
}

export interface NewLink extends NewAccess {
  /** The API key that asks for the link; null if the link is mailed. */
  readonly keyId: string | null;
  /** The hash of the address that the link is mailed to; null if it is not mailed. */
  readonly mailedTo: string | null;
}

export type LinkResult = { readonly kind: 'stored' } | { readonly kind: 'closed' } | Contended;

/** Stores a link, unless the account is closed. Idempotent. */
export async function putLink(table: Table, link: NewLink): Promise<LinkResult> {
  const { customerId, tokenId, at, validUntil, mailedTo, keyId } = link;
  const times = { createdAt: at.toISOString(), validUntil: validUntil.toISOString() };
  const item = {
    ...keys.link(customerId, tokenId),
    ...links.encodePart({
      ...times,
      ...(mailedTo !== null && { mailedTo }),
      ...(keyId !== null && { keyId }),
    }),
    ...expiry(validUntil),
  };
  const result = await writeTogether(table, [put(item, CONDITIONS.LINK_IS_NEW), mustBeOpen(customerId)]);
  return answerTo<LinkResult>(result, { kind: 'stored' }, ({ failed: [isThere] }) => ({
    // Tokens are random, so an earlier try of this call stored the link.
    kind: isThere ? 'stored' : 'closed',
  }));
}

/** The link of an item; null if it is unknown, expired or used. @throws UnreadableItem */
export function usableLink(item: Item | undefined, now: Date): LinkRecord | null {
  if (item === undefined) return null;
  const link = links.decode(item);
  return link.usedAt === null && link.validUntil > now.toISOString() ? link : null;
}

/**
 * Uses up a link and starts a session. Of concurrent uses of one link, only one starts a session.
 * @param keyId the API key that asked for the link; null if the link was mailed
 */
export function useLink(
  linkId: string,
  { customerId, tokenId, at, validUntil }: NewAccess,
  keyId: string | null,
): Write[] {
  const startedAt = at.toISOString();
  const session = {
    ...keys.session(customerId, tokenId),
    ...sessions.encodePart({
      ...{ startedAt, validUntil: validUntil.toISOString() },
      ...(keyId !== null && { keyId }),
    }),
    ...expiry(validUntil),
  };
  return [
    update(
      keys.link(customerId, linkId),
      { set: links.encodePart({ usedAt: startedAt }) },
      CONDITIONS.LINK_IS_USABLE,
      { now: startedAt },
    ),
    put(session),
  ];
}

/**
 * Whether a link or session still has the API key that it came from: a revoked key opens nothing any more.
 * One that was mailed costs no read. Strongly consistent.
 * @throws BillingError ledger_unavailable
 */
export async function keyStillWorks(
  table: Table,
  customerId: string,
  { keyId }: Pick<LinkRecord, 'keyId'>,
): Promise<boolean> {
  if (keyId === null) return true;
  const key = await readOne(table, keys.apiKey(customerId, keyId), decodeApiKey);
  return key !== null && key.revokedAt === null;
}

/** The session of an item; null if there is none, or it has ended. @throws UnreadableItem */
export function sessionAt(item: Item | undefined, now: Date): SessionRecord | null {
  if (item === undefined) return null;
  const session = sessions.decode(item);
  return session.validUntil > now.toISOString() ? session : null;
}

/** Ends a session at once. Idempotent. Keeps the item: the function that signs out has no right to delete. */
export const endSession = (customerId: string, sessionId: string, at: Date): Write =>
  update(
    keys.session(customerId, sessionId),
    { set: sessions.encodePart({ validUntil: at.toISOString() }) },
    CONDITIONS.SESSION_IS_THERE,
  );

/** Checks that the account exists and is open, for a transaction that does not write the head. */
export const mustBeOpen = (customerId: string): Write =>
  check(keys.head(customerId), [CONDITIONS.CUSTOMER_IS_THERE, CONDITIONS.ACCOUNT_IS_OPEN], { open: null });

const HOUR_SECONDS = 60 * 60;

/** Keeps an item for an hour after its end, so that its own time ends it, not an early deletion. */
export const expiry = (validUntil: Date): Item => ({
  expires_at: Math.ceil(validUntil.getTime() / 1_000) + HOUR_SECONDS,
});
