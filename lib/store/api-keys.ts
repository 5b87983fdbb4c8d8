import * as z from 'zod/mini';
import { KEY_SCOPES, type KeyScope, MAX_ACTIVE_KEYS } from '../domain/api-key.ts';
import type { Notice } from '../domain/notice.ts';
import { CONDITIONS } from './conditions.ts';
import { decodeHead } from './heads.ts';
import { apiKeyIdOf, keys, prefixes } from './keys.ts';
import { putNotice } from './notices.ts';
import { itemsOf } from './paging.ts';
import { orNull, record, text } from './record.ts';
import { answerTo, type Contended, type Item, type Table, type Write, writeTogether } from './table.ts';
import { type Condition, put, update, updateBy } from './write.ts';

const ApiKey = z.object({
  createdAt: text,
  /** For people; null if the key has no name. */
  name: orNull(text),
  /** Keys of earlier releases have no scope, and may do everything. */
  scope: z._default(z.enum(KEY_SCOPES), 'account'),
  /** From the sign-up of a test customer. Known with the key, so no request has to read the head for it. */
  isTest: z._default(z.boolean(), false),
  /** The last day (UTC) on which the key changed something; null if it has not yet. */
  lastUsedOn: orNull(text),
  revokedAt: orNull(text),
});
export type ApiKeyRecord = Readonly<z.output<typeof ApiKey>>;

const apiKeys = record<ApiKeyRecord>(ApiKey);

export const decodeApiKey = (item: Item): ApiKeyRecord => apiKeys.decode(item);

export interface NewKey {
  readonly keyId: string;
  readonly name: string | null;
  readonly scope: KeyScope;
  readonly isTest: boolean;
  readonly createdAt: string;
}

/** A stored key, as far as revoking it needs it. A key's scope never changes. */
export type StoredKey = Pick<NewKey, 'keyId' | 'scope'>;

const newKey = (customerId: string, { keyId, isTest, ...key }: NewKey): Item => ({
  ...keys.apiKey(customerId, keyId),
  ...apiKeys.encodePart(key),
  ...(isTest && apiKeys.encodePart({ isTest })),
});

/** The key from the sign-up. The new head already counts it. */
export const putFirstKey = (customerId: string, key: NewKey): Write => put(newKey(customerId, key));

/**
 * Stores the day on which a key is used, beside a write that is made anyway. The key's item is read with each
 * request, so this is written once a day.
 */
export const noteKeyUse = (customerId: string, keyId: string, lastUsedOn: string): Write =>
  update(keys.apiKey(customerId, keyId), { set: apiKeys.encodePart({ lastUsedOn }) });

/** Revokes a key that is active, without counting it. */
const endKey = (customerId: string, keyId: string, revokedAt: string): Write =>
  update(
    keys.apiKey(customerId, keyId),
    { set: apiKeys.encodePart({ revokedAt }) },
    CONDITIONS.KEY_IS_ACTIVE,
  );

/**
 * Changes the head's counts of keys. In a head of an earlier release, the count of `account` keys starts from
 * the count of all keys.
 */
const countKeys = (
  customerId: string,
  { active, account }: { readonly active: number; readonly account: number },
  conditions: readonly Condition[],
  values: Item,
): Write =>
  updateBy(
    keys.head(customerId),
    'SET account_keys = if_not_exists(account_keys, active_keys) + :account, ' +
      'active_keys = active_keys + :active',
    conditions,
    { ...values, account, active },
  );

const one = (scope: KeyScope): number => (scope === 'account' ? 1 : 0);

export type PutKeyResult =
  /** Also the result if the key exists: keys are random, so an earlier try of this call stored it. */
  | { readonly kind: 'stored' }
  /** `not_active`: the key to replace is revoked. */
  | { readonly kind: 'too_many' | 'closed' | 'last_key' | 'not_active' }
  | Contended;

/**
 * Stores a key and its notice, and counts the key in the head, unless the customer is at the limit. With
 * `replaced`, revokes that key in the same transaction, which also works at the limit. Idempotent.
 */
export async function putApiKey(
  table: Table,
  customerId: string,
  key: NewKey,
  notice: Notice,
  replaced?: StoredKey,
): Promise<PutKeyResult> {
  const endsLast = replaced?.scope === 'account' && key.scope !== 'account';
  const head =
    replaced === undefined
      ? countKeys(
          customerId,
          { active: 1, account: one(key.scope) },
          [CONDITIONS.KEYS_BELOW_LIMIT, CONDITIONS.ACCOUNT_IS_OPEN],
          { limit: MAX_ACTIVE_KEYS, open: null },
        )
      : countKeys(
          customerId,
          { active: 0, account: one(key.scope) - one(replaced.scope) },
          [
            CONDITIONS.KEYS_ARE_COUNTED,
            CONDITIONS.ACCOUNT_IS_OPEN,
            ...(endsLast ? [CONDITIONS.ACCOUNT_KEY_REMAINS] : []),
          ],
          { open: null, ...(endsLast && { last: 1 }) },
        );
  const result = await writeTogether(table, [
    head,
    put(newKey(customerId, key), CONDITIONS.KEY_IS_NEW),
    putNotice(notice),
    ...(replaced === undefined ? [] : [endKey(customerId, replaced.keyId, key.createdAt)]),
  ]);
  return answerTo<PutKeyResult>(result, { kind: 'stored' }, ({ failed, winners: [found] }) => {
    const [isHeadRefused, isThere, , isReplacedGone] = failed;
    if (isThere) return { kind: 'stored' };
    // Without a head: a test customer who was removed after their key was read.
    if (isHeadRefused && (found === undefined || decodeHead(found).closedAt !== null))
      return { kind: 'closed' };
    if (isReplacedGone) return { kind: 'not_active' };
    return { kind: replaced === undefined ? 'too_many' : 'last_key' };
  });
}

export type EndOthersResult =
  | { readonly kind: 'stored' }
  /** A key was issued or revoked meanwhile. Nothing was written. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'closed' }
  | Contended;

/**
 * Stores a key and revokes all others, in one transaction.
 * @param others every active key, listed after `counted` was read
 * @param counted the active keys that the head counted
 */
export async function putOnlyKey(
  table: Table,
  customerId: string,
  key: NewKey,
  notice: Notice,
  { others, counted }: { readonly others: readonly StoredKey[]; readonly counted: number },
): Promise<EndOthersResult> {
  const only = { active_keys: 1, account_keys: one(key.scope) };
  const result = await writeTogether(table, [
    update(keys.head(customerId), { set: only }, [CONDITIONS.KEYS_UNMOVED, CONDITIONS.ACCOUNT_IS_OPEN], {
      counted,
      open: null,
    }),
    put(newKey(customerId, key), CONDITIONS.KEY_IS_NEW),
    putNotice(notice),
    ...others.map(({ keyId }) => endKey(customerId, keyId, key.createdAt)),
  ]);
  return answerTo<EndOthersResult>(result, { kind: 'stored' }, ({ failed, winners: [found] }) => {
    const [isHeadRefused, isThere] = failed;
    if (isThere) return { kind: 'stored' };
    const isClosed = isHeadRefused && (found === undefined || decodeHead(found).closedAt !== null);
    return { kind: isClosed ? 'closed' : 'stale' };
  });
}

export type RevokeResult =
  | { readonly kind: 'revoked' }
  | { readonly kind: 'already_revoked'; readonly key: ApiKeyRecord }
  | { readonly kind: 'unknown' | 'last_key' }
  | Contended;

/**
 * Revokes a key immediately, and stores the notice about it. Idempotent: a repeat returns the first
 * revocation.
 * @param options.mayBeLast whether the customer's last `account` key is revoked too
 */
export async function revokeApiKey(
  table: Table,
  customerId: string,
  { keyId, scope }: StoredKey,
  revokedAt: string,
  { notice, mayBeLast }: { readonly notice: Notice | null; readonly mayBeLast: boolean },
): Promise<RevokeResult> {
  const keepsOne = scope === 'account' && !mayBeLast;
  const conditions = [CONDITIONS.KEYS_ARE_COUNTED, ...(keepsOne ? [CONDITIONS.ACCOUNT_KEY_REMAINS] : [])];
  const fewer = { active: -1, account: -one(scope) };
  const result = await writeTogether(table, [
    endKey(customerId, keyId, revokedAt),
    countKeys(customerId, fewer, conditions, keepsOne ? { last: 1 } : {}),
    ...(notice === null ? [] : [putNotice(notice)]),
  ]);
  return answerTo<RevokeResult>(result, { kind: 'revoked' }, ({ failed, winners: [stored, head] }) => {
    if (stored) return { kind: 'already_revoked', key: decodeApiKey(stored) };
    return { kind: failed[0] || head === undefined ? 'unknown' : 'last_key' };
  });
}

/** How many keys are active, and how many of those may do everything, as a head counts them. */
export function countsOf(listed: readonly ApiKeyRecord[]): { activeKeys: number; accountKeys: number } {
  const active = listed.filter(({ revokedAt }) => revokedAt === null);
  return {
    activeKeys: active.length,
    accountKeys: active.filter(({ scope }) => scope === 'account').length,
  };
}

export interface ListedKey extends ApiKeyRecord {
  readonly keyId: string;
}

/** Every key that a customer ever had, the oldest first. */
export const listApiKeys = (table: Table, customerId: string): Promise<ListedKey[]> =>
  findApiKeys(table, customerId, '');

/** The keys that work, the oldest first. */
export const listActiveKeys = async (table: Table, customerId: string): Promise<ListedKey[]> =>
  (await listApiKeys(table, customerId)).filter(({ revokedAt }) => revokedAt === null);

/** The keys whose id begins with `prefix`, also revoked ones, the oldest first. */
export async function findApiKeys(table: Table, customerId: string, prefix: string): Promise<ListedKey[]> {
  const listed: ListedKey[] = [];
  for await (const item of itemsOf(table, customerId, prefixes.apiKey + prefix)) {
    listed.push({ keyId: apiKeyIdOf(String(item['sk'])), ...decodeApiKey(item) });
  }
  return listed.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
}
