import * as z from 'zod/mini';
import { MAX_ACTIVE_KEYS } from '../domain/api-key.ts';
import type { Notice } from '../domain/notice.ts';
import { CONDITIONS } from './conditions.ts';
import { decodeHead } from './heads.ts';
import { apiKeyIdOf, keys, prefixes } from './keys.ts';
import { putNotice } from './notices.ts';
import { itemsOf } from './paging.ts';
import { orNull, record, text } from './record.ts';
import { answerTo, type Contended, type Item, type Table, type Write, writeTogether } from './table.ts';
import { put, update } from './write.ts';

const ApiKey = z.object({
  createdAt: text,
  revokedAt: orNull(text),
  /** From the sign-up of a test customer. Known with the key, so no request has to read the head for it. */
  isTest: z._default(z.boolean(), false),
});
export type ApiKeyRecord = Readonly<z.output<typeof ApiKey>>;

const apiKeys = record<ApiKeyRecord>(ApiKey);

export const decodeApiKey = (item: Item): ApiKeyRecord => apiKeys.decode(item);

const newKey = (customerId: string, keyId: string, createdAt: string): Item => ({
  ...keys.apiKey(customerId, keyId),
  ...apiKeys.encodePart({ createdAt }),
});

/** The key from the sign-up. The new head already counts it. */
export const putFirstKey = (customerId: string, keyId: string, createdAt: string, isTest: boolean): Write =>
  put({ ...newKey(customerId, keyId, createdAt), ...(isTest && apiKeys.encodePart({ isTest })) });

export type PutKeyResult =
  /** Also the result if the key exists: keys are random, so an earlier try of this call stored it. */
  { readonly kind: 'stored' } | { readonly kind: 'too_many' | 'closed' } | Contended;

/**
 * Stores a key and its notice, and counts the key in the head, unless the customer is at the limit.
 * Idempotent.
 */
export async function putApiKey(
  table: Table,
  customerId: string,
  keyId: string,
  createdAt: string,
  notice: Notice,
): Promise<PutKeyResult> {
  const result = await writeTogether(table, [
    update(
      keys.head(customerId),
      { add: { active_keys: 1 } },
      [CONDITIONS.KEYS_BELOW_LIMIT, CONDITIONS.ACCOUNT_IS_OPEN],
      { limit: MAX_ACTIVE_KEYS, open: null },
    ),
    put(newKey(customerId, keyId, createdAt), CONDITIONS.KEY_IS_NEW),
    putNotice(notice),
  ]);
  return answerTo<PutKeyResult>(result, { kind: 'stored' }, ({ failed: [, keyIsThere], winners: [head] }) => {
    if (keyIsThere) return { kind: 'stored' };
    // Without a head: a test customer who was removed after their key was read.
    return { kind: head === undefined || decodeHead(head).closedAt !== null ? 'closed' : 'too_many' };
  });
}

export type RevokeResult =
  | { readonly kind: 'revoked' }
  | { readonly kind: 'already_revoked'; readonly key: ApiKeyRecord }
  | { readonly kind: 'unknown' }
  | Contended;

/** Revokes a key immediately. Idempotent: a repeat returns the first revocation. */
export async function revokeApiKey(
  table: Table,
  customerId: string,
  keyId: string,
  revokedAt: string,
): Promise<RevokeResult> {
  const set = apiKeys.encodePart({ revokedAt });
  const result = await writeTogether(table, [
    update(keys.apiKey(customerId, keyId), { set }, CONDITIONS.KEY_IS_ACTIVE),
    update(keys.head(customerId), { add: { active_keys: -1 } }),
  ]);
  return answerTo<RevokeResult>(result, { kind: 'revoked' }, ({ winners: [stored] }) =>
    stored ? { kind: 'already_revoked', key: decodeApiKey(stored) } : { kind: 'unknown' },
  );
}

export interface ListedKey extends ApiKeyRecord {
  readonly keyId: string;
}

/** Every key that a customer ever had, the oldest first. */
export async function listApiKeys(table: Table, customerId: string): Promise<ListedKey[]> {
  const listed: ListedKey[] = [];
  for await (const item of itemsOf(table, customerId, prefixes.apiKey)) {
    listed.push({ keyId: apiKeyIdOf(String(item['sk'])), ...decodeApiKey(item) });
  }
  return listed.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
}
